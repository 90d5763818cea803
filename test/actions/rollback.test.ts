import { expect, test } from "vitest";
import { GITHUB, project, titles } from "./project.ts";

const DISPATCHED = { event: "workflow_dispatch" } as const;

test("a rollback is refused before anything is signed in to, if it has no reason or names what is no release or no resource", async () => {
  const { account, run } = await project();
  const wrong = { to: "main", delete: "jobs.score, *", "lock-wait-minutes": "soon" };
  const result = await run({ mode: "rollback", tier: "dev", ...wrong }, DISPATCHED);
  expect(titles(result)).toEqual(["input/to", "input/reason", "input/delete", "input/lock-wait-minutes"]);
  expect(account.simulator.requests).toEqual([]);
});

test("a rollback by a push, or from another branch, would not be believed: it writes nothing", async () => {
  const { account, run } = await project();
  expect(titles(await run({ mode: "promote", tier: "dev" }))).toEqual([]);
  const before = account.writes().length;
  const inputs = { mode: "rollback", tier: "dev", reason: "scores are wrong" };
  expect(titles(await run(inputs))).toContain("rollback/not-dispatched");
  const elsewhere = await run(inputs, { ...DISPATCHED, ref: "refs/heads/feature" });
  expect(titles(elsewhere)).toContain("rollback/not-dispatched");
  expect(account.writes().length).toBe(before);
});

test("a rollback of prod needs prod-ops, and that it is closed to other branches", async () => {
  const { account, hub, run } = await project();
  const inputs = { mode: "rollback", tier: "prod", reason: "scores are wrong" };
  hub.world.environments.delete("prod-ops");
  expect(titles(await run(inputs, DISPATCHED))).toEqual(["operators/no-environment"]);
  expect(account.writes()).toEqual([]);
});

test("in prod somebody who operates it must have said yes: a reviewer of prod-ops, or whom the contract names", async () => {
  const { account, hub, run, merge } = await project({
    github: { ...GITHUB, environments: { ...GITHUB.environments, "prod-ops": { branch_policy: "default" } } },
  });
  const inputs = { mode: "rollback", tier: "prod", reason: "scores are wrong" };
  const open = await run(inputs, DISPATCHED);
  expect(titles(open)).toEqual(["operators/no-reviewers"]);
  expect(open.stdout).toContain("tiers.prod.operators");
  expect(titles(await run({ ...inputs, mode: "resume" }, DISPATCHED))).toEqual(["operators/no-reviewers"]);
  // What shuts prod is for anybody.
  expect(titles(await run({ ...inputs, mode: "hold" }, DISPATCHED))).not.toContain("operators/no-reviewers");

  const named = account.contractText.replace(/prod: \{ /, "prod: { operators: [Hubot], ");
  expect(named).not.toBe(account.contractText);
  await merge({ "four-tier.yml": named });
  expect(titles(await run(inputs, DISPATCHED))).toEqual(["operators/not-one"]);
  expect(titles(await run(inputs, { ...DISPATCHED, env: { GITHUB_TRIGGERING_ACTOR: "hubot" } }))).toEqual([
    "ledger/missing",
  ]);

  await merge({ "four-tier.yml": account.contractText });
  const reviewed = hub.world.environments.get("prod");
  if (reviewed === undefined) throw new Error("there is no prod");
  hub.world.environments.set("prod-ops", reviewed);
  expect(titles(await run(inputs, DISPATCHED))).toEqual(["ledger/missing"]);
});

test("a first release has nothing to go back to, and says what there is", async () => {
  const { run, account } = await project();
  expect(titles(await run({ mode: "promote", tier: "dev" }))).toEqual([]);
  const before = account.writes().length;
  const result = await run({ mode: "rollback", tier: "dev", reason: "scores are wrong" }, DISPATCHED);
  expect(titles(result)).toEqual(["rollback/none-verified"]);
  expect(account.writes().length).toBe(before);
});
