import { expect, test } from "vitest";
import { project, titles } from "./project.ts";

const DISPATCHED = { event: "workflow_dispatch" } as const;

test("a rollback is refused before anything is signed in to, if it has no reason or names what is no release", async () => {
  const { account, run } = await project();
  const result = await run({ mode: "rollback", tier: "dev", to: "main", "lock-wait-minutes": "soon" }, DISPATCHED);
  expect(titles(result)).toEqual(["input/to", "input/reason", "input/lock-wait-minutes"]);
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
  expect(titles(await run(inputs, DISPATCHED))).toEqual(["rollback/no-environment"]);
  expect(account.writes()).toEqual([]);
});

test("a first release has nothing to go back to, and says what there is", async () => {
  const { run, account } = await project();
  expect(titles(await run({ mode: "promote", tier: "dev" }))).toEqual([]);
  const before = account.writes().length;
  const result = await run({ mode: "rollback", tier: "dev", reason: "scores are wrong" }, DISPATCHED);
  expect(titles(result)).toEqual(["rollback/none-verified"]);
  expect(account.writes().length).toBe(before);
});
