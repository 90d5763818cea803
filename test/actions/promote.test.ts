import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SECRET } from "../account.ts";
import { BUNDLE, FILES } from "../promotion-files.ts";
import { project, titles } from "./project.ts";

test("a pull request is validated for every tier without any credential", async () => {
  const { account, hub, run, repository } = await project();
  const asked = hub.requests.length;
  const result = await run({ mode: "plan", tier: "all" });
  expect(titles(result)).toEqual([]);
  expect(result.exitCode).toBe(0);
  expect(result.outputs["release-digest"]).toMatch(/^[0-9a-f]{64}$/);
  expect(result.summary).toContain("Every tier can take this commit");
  expect(account.simulator.requests).toEqual([]);
  // the records of dev and prod, and nothing else
  expect(hub.requests.slice(asked).map(({ method, path }) => `${method} ${path.replace(/\?.*/, "")}`)).toEqual(
    ["dev", "prod"].map(() => "GET /repos/acme/ml-pipelines/deployments"),
  );

  repository.commit({ "databricks.yml": BUNDLE.replace("score.py", "scores.py") });
  const broken = await run({ mode: "plan", tier: "all" });
  expect(broken.exitCode).toBe(1);
  expect(broken.annotations).toMatchObject([{ level: "error", file: "databricks.yml" }]);
});

test("a promotion whose contract does not read says that nothing was changed", async () => {
  const { account, run, merge } = await project();
  await merge({ "four-tier.yml": `${account.contractText}tears: {}\n` });
  const result = await run({ mode: "promote", tier: "dev" });
  expect(titles(result)).toEqual(["contract/unknown-key"]);
  expect(result.summary).toContain("**Nothing was changed:**");
  expect(account.simulator.requests).toEqual([]);
});

test("a promotion that stops once it has asked the workspace for a change does not say that nothing was changed", async () => {
  const { account, run } = await project();
  // the folder for it is made by then
  const path = "/api/2.0/workspace-files/import-file/*";
  const lock = account.simulator.fault({
    method: "POST",
    path,
    effect: "error",
    status: 403,
    code: "PERMISSION_DENIED",
  });
  const result = await run({ mode: "promote", tier: "dev" });
  expect([lock.hits, titles(result)]).toEqual([1, ["databricks/refused"]]);
  expect(result.summary).toContain("stopped before its end");
  expect(result.summary).not.toContain("Nothing was");
});

test("a merge goes to dev, is recorded as a Deployment, and the second run writes nothing", async () => {
  const { account, hub, run, sha } = await project();
  const first = await run({ mode: "promote", tier: "dev" });
  expect(titles(first)).toEqual([]);
  expect(first.exitCode).toBe(0);
  expect(first.outputs).toMatchObject({ changed: "true", conclusion: "success" });
  const [deployment] = hub.world.deployments;
  expect(deployment).toMatchObject({
    sha,
    environment: "dev",
    task: "four-tier",
    payload: { tier: "dev", release: first.outputs["release-digest"], plan: first.outputs["plan-digest"] },
  });
  expect(deployment?.statuses.map(({ state }) => state)).toEqual(["success", "in_progress"].toReversed());
  expect(first.outputs["deployment-id"]).toBe(String(deployment?.id));

  const before = account.writes().length;
  const second = await run({ mode: "promote", tier: "dev" });
  expect(second.exitCode).toBe(0);
  expect(second.outputs).toMatchObject({ changed: "false", "release-digest": first.outputs["release-digest"] });
  expect(account.writes().slice(before)).toEqual([]);
  expect(second.summary).toContain("nothing was written to jobs, pipelines or files");
});

test("what is only to be known is said once, though the gate is told of it, too", async () => {
  const { account, repository, run, merge } = await project();
  const text = account.contractText.replaceAll(/ workspace_id: "\d+",?/g, "");
  expect(text).not.toBe(account.contractText);
  await merge({ "four-tier.yml": text });
  expect(repository.git("show", "HEAD:four-tier.yml")).not.toContain("workspace_id");
  const result = await run({ mode: "promote", tier: "dev" });
  expect(result.exitCode).toBe(0);
  expect(titles(result, "notice")).toEqual(["identity/workspace-unchecked"]);
});

test("a byte changed in the checkout stops the promotion", async () => {
  const { account, repository, run } = await project();
  writeFileSync(join(repository.folder, "src/scoring/score.py"), "# Databricks notebook source\nprint('evil')\n");
  const result = await run({ mode: "promote", tier: "dev" });
  expect(result.exitCode).toBe(1);
  expect(titles(result)).toEqual(["release/checkout-differs"]);
  expect(result.annotations[0]).toMatchObject({ file: "src/scoring/score.py" });
  expect(result.report).toMatchObject({
    action: "promote",
    conclusion: "failure",
    findings: [{ id: "release/checkout-differs", where: { kind: "file", file: "src/scoring/score.py" } }],
  });
  expect(account.writes()).toEqual([]);
});

test("prod takes nothing without the two digests, and no digest that is not one", async () => {
  const { account, run } = await project();
  const empty = await run({ mode: "promote", tier: "prod" });
  expect(titles(empty)).toEqual(["input/release-digest", "input/plan-digest"]);
  const malformed = await run({
    mode: "promote",
    tier: "prod",
    "release-digest": "abc",
    "plan-digest": "f".repeat(63),
  });
  expect(titles(malformed)).toEqual(["input/release-digest", "input/plan-digest"]);
  expect(account.simulator.requests).toEqual([]);
  expect(malformed.report).toMatchObject({ findings: [{ id: "input/release-digest" }, { id: "input/plan-digest" }] });
});

test("a mode with a slip of the pen is told the one that was meant, and all there are", async () => {
  const { account, run } = await project();
  const result = await run({ mode: "rolback", tier: "dev" });
  expect(titles(result)).toEqual(["input/mode"]);
  expect(result.annotations[0]?.message).toContain(
    "The input mode is rolback, which it cannot be. Did you mean rollback?",
  );
  expect(result.annotations[0]?.message).toContain("plan, promote, verify, rollback, status, drift");
  expect(account.simulator.requests).toEqual([]);
});

test("what skips staging does not enter prod, nor what staging is not like", async () => {
  const prod = "prod: { resources: { jobs: { score: { max_concurrent_runs: 7 } } } }";
  const { account, run } = await project({ files: { ...FILES, "databricks.yml": BUNDLE.replace("prod: {}", prod) } });
  const brief = await run({ mode: "plan", tier: "prod" });
  expect(titles(brief)).toContain("gate/path-skipped-tier");
  expect(titles(brief)).toContain("bundle/differs-from-staging");
  const result = await run({
    mode: "promote",
    tier: "prod",
    "release-digest": brief.outputs["release-digest"] ?? "",
    "plan-digest": brief.outputs["plan-digest"] ?? "",
  });
  expect(result.exitCode).toBe(1);
  expect(titles(result)).toContain("bundle/differs-from-staging");
  expect(account.writes()).toEqual([]);
});

test("a brief from commits names what would change, with the digests to approve", async () => {
  const { account, run, merge } = await project();
  await run({ mode: "promote", tier: "dev" });
  const asked = account.simulator.requests.length;
  await merge({ "src/scoring/score.py": "# Databricks notebook source\nprint('next')\n" });
  const plan = await run({ mode: "plan", tier: "dev" });
  expect(account.simulator.requests).toHaveLength(asked);
  expect(plan.outputs).toMatchObject({ changed: "true", "drift-digest": "" });
  expect(plan.outputs["plan-digest"]).toMatch(/^[0-9a-f]{64}$/);
  expect(plan.summary).toContain("jobs.score");
});

test("a brief with a look at the tier shows what somebody changed by hand, and writes nothing", async () => {
  const { account, run, merge } = await project();
  await run({ mode: "promote", tier: "dev" });
  account.simulator.world.changeJob("dev", "score", (settings) => void (settings["max_concurrent_runs"] = 9));
  await merge({ "src/scoring/score.py": "# Databricks notebook source\nprint('next')\n" });
  const before = account.writes().length;
  const live = await run({ mode: "plan", tier: "dev", "client-secret": SECRET.dev });
  expect(account.writes().slice(before)).toEqual([]);
  expect(live.outputs["drift-digest"]).toMatch(/^[0-9a-f]{64}$/);
  const promoted = await run({ mode: "promote", tier: "dev" });
  expect(promoted.outputs).toMatchObject({
    "plan-digest": live.outputs["plan-digest"],
    "release-digest": live.outputs["release-digest"],
    "drift-digest": live.outputs["drift-digest"],
  });
  expect(live.summary).toMatch(/max.{1,6}concurrent.{1,6}runs/);
});

test.each([
  ["while it looks", "GET", "/api/2.0/workspace/list", ["ledger/cancelled"], undefined],
  ["while it takes its lock", "POST", "*lock.1", ["promote/cancelled", "promote/unfinished"], "failure"],
  ["while it uploads", "POST", "*ingest.sql", ["promote/cancelled", "promote/unfinished"], "failure"],
  ["while it creates", "POST", "/api/2.0/pipelines", ["promote/cancelled", "promote/unfinished"], "failure"],
  // Everything is applied by then: it is proved and recorded, which takes less than the grace of a runner.
  ["while it reads back", "GET", "/api/2.2/jobs/get", [], "success"],
] as const)("a run that is cancelled %s stops, records it, and lets the next one in", async (...row) => {
  const [, method, path, found, recorded] = row;
  const { account, hub, run } = await project();
  let cancel = (_signal: NodeJS.Signals): void => undefined;
  const heard = Promise.withResolvers<undefined>();
  account.simulator.when({
    method,
    path,
    nth: 1,
    run: async () => {
      cancel("SIGTERM");
      await heard.promise; // before it has the answer
    },
  });
  const cancelled = await run(
    { mode: "promote", tier: "dev" },
    {
      onLine: (line, kill) => {
        cancel = kill;
        if (line.includes("The run is being cancelled")) heard.resolve(undefined);
      },
    },
  );
  expect(titles(cancelled)).toEqual(found);
  expect(cancelled.exitCode).toBe(found.length === 0 ? 0 : 1);
  expect(hub.world.deployments[0]?.statuses.at(-1)?.state).toBe(recorded);
  const next = await run({ mode: "promote", tier: "dev", "lock-wait-minutes": "0" });
  expect(titles(next)).toEqual([]);
  expect(account.simulator.world.jobs("dev")).toHaveLength(3);
  expect(account.simulator.world.pipelines("dev")).toHaveLength(1);
});

test("wheels that are not what the build said stop the promotion before anything is asked of the tier", async () => {
  const { account, run } = await project();
  const folder = mkdtempSync(join(tmpdir(), "four-tier-wheels-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "churn-1.0-py3-none-any.whl"), "PK wheel");
  const built = `${createHash("sha256").update("PK wheeL").digest("hex")}  dist/churn-1.0-py3-none-any.whl\n`;
  const result = await run({ mode: "promote", tier: "dev", artifacts: folder, "artifact-digests": built });
  expect(result.exitCode).toBe(1);
  expect(titles(result)).toEqual(["release/artifact-differs"]);
  expect(account.writes()).toEqual([]);
});

test("a carried wheel is part of the release, byte by byte", async () => {
  const { account, repository, run } = await project();
  const folder = mkdtempSync(join(tmpdir(), "four-tier-wheels-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "churn-1.0-py3-none-any.whl"), "PK wheel");
  const plain = await run({ mode: "plan", tier: "all" });
  const carried = await run({ mode: "plan", tier: "all", artifacts: folder });
  writeFileSync(join(folder, "churn-1.0-py3-none-any.whl"), "PK wheeL");
  const other = await run({ mode: "plan", tier: "all", artifacts: folder });
  const digests = [plain, carried, other].map(({ outputs }) => outputs["release-digest"]);
  expect(new Set(digests).size).toBe(3);
  expect(repository.git("status", "--porcelain")).toBe("");
  expect(account.simulator.requests).toEqual([]);
});

test.each([["deploy", "The input mode is deploy"]])("mode: %s is refused", async (mode, message) => {
  const { account, run } = await project();
  const result = await run({ mode, tier: "dev" });
  expect(result.annotations).toMatchObject([
    { title: "input/mode", message: expect.stringContaining(message) as string },
  ]);
  expect(account.simulator.requests).toEqual([]);
});
