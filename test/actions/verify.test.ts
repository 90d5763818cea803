import { expect, test } from "vitest";
import { project, titles } from "./project.ts";

test("a tier is verified by the built action: a Deployment of its own says so, and status shows what it has", async () => {
  const { hub, run, sha } = await project();
  const promoted = await run({ mode: "promote", tier: "dev" });
  const digest = promoted.outputs["release-digest"] ?? "";
  const verified = await run({ mode: "verify", tier: "dev", "release-digest": digest });
  expect(titles(verified)).toEqual([]);
  expect(verified.outputs).toMatchObject({ verified: "true", ready: "true", "release-digest": digest, commit: sha });
  const record = hub.world.deployments.find(({ task }) => task === "four-tier-verification");
  expect(record).toMatchObject({
    sha,
    environment: "dev",
    payload: { kind: "verification", release: digest, passed: true },
  });
  expect(verified.outputs["deployment-id"]).toBe(String(record?.id));

  const status = await run({ mode: "status", tier: "dev" });
  expect(status.outputs).toMatchObject({ commit: sha, "release-digest": digest });
  expect(status.summary).toContain("passed");
  expect(status.report).toMatchObject({ tier: "dev", verified: { passed: true }, pending: null, holds: [] });
});

test("a sandbox is nobody's evidence, and a digest that is none is refused before anything is asked", async () => {
  const { account, run } = await project();
  expect(titles(await run({ mode: "verify", tier: "dev", "release-digest": "abc", deep: "perhaps" }))).toEqual([
    "input/release-digest",
    "input/deep",
  ]);
  expect(account.simulator.requests).toEqual([]);
});

test("a run that is killed cancels what it started, and records nothing as passed", async () => {
  const { account, hub, merge, run } = await project({ databricks: { runs: [{ job: "score", polls: "never" }] } });
  await merge({
    "four-tier.yml": account.contractText.replace(
      'workspace_id: "1111111111111111"',
      'workspace_id: "1111111111111111", gate: { verify: [score] }',
    ),
  });
  expect(titles(await run({ mode: "promote", tier: "dev" }))).toEqual([]);
  const killed = await run(
    { mode: "verify", tier: "dev" },
    { onLine: (line, kill) => void (line.includes("jobs.score: started run") && kill("SIGTERM")) },
  );
  expect(titles(killed)).toEqual(["verify/stopped"]);
  expect(killed.outputs).toMatchObject({ verified: "false", ready: "false" });
  const [started] = account.simulator.world.runs("dev", "score");
  expect(["TERMINATING", "TERMINATED"]).toContain(started?.state);
  const records = hub.world.deployments.filter(({ task }) => task === "four-tier-verification");
  expect(records).toMatchObject([{ payload: { passed: false } }]);
});
