/** The audit, whole: an auditor proves who can write prod, the outcome is recorded, and the gate to prod asks for it. */
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, findingsOf, jobOf } from "./expect-run.ts";
import { PROD } from "./jobs.ts";
import { openPlay } from "./play.ts";

const JOB = "audit / audit";

describe("a prod that asks for an audit", () => {
  const play = openPlay({
    world: ({ databricks }) => {
      // Dev's principal owns the sandboxes; that it may be asked in dev-audit is a policy of its own.
      const own = databricks.service_principals["ml-pipelines-dev"]?.federation;
      const policy = own?.[0];
      if (policy === undefined) throw new Error("the demo's world has no policy for dev");
      own?.push({ ...policy, subject: "repo:acme/ml-pipelines:environment:dev-audit" });
    },
  });
  const audit = (inputs: Record<string, string> = {}) =>
    play.promote({ workflow: "audit.yml", event: "workflow_dispatch", inputs: { tier: "prod", ...inputs } });
  const records = () => play.stage.github.world.deployments.filter(({ task }) => task === "four-tier-audit");

  it("passes, writes nothing but its record, and shows what it rests on", async () => {
    const mark = play.mark();
    const run = await audit();
    expectRun(run).toSucceed(JOB);
    expect(mark.writes()).toEqual([]);
    expect(jobOf(run, JOB).steps.map(({ name }) => name)).toContain("Audit prod");
    expect(jobOf(run, JOB).outputs["certificate"]).toMatch(/^[0-9a-f]{64}$/);
    expect(jobOf(run, JOB).summary).toContain("metastore admin");
    expect(records().map(({ environment, payload }) => [environment, payload])).toMatchObject([
      ["prod", { kind: "estate", tier: "prod", passed: true, certificate: jobOf(run, JOB).outputs["certificate"] }],
    ]);
  });

  it("keeps what it found for code scanning, in an artifact that a later job finds by name", async () => {
    const run = await audit();
    expect(jobOf(run, JOB).outputs["sarif-artifact"]).toBe("four-tier-audit-prod-1");
  });

  it("proves all sandboxes at once, by whoever owns them, and records nothing of it", async () => {
    expectRun(await play.dispatch("provision-sandboxes", { event: "schedule", actor: "ada" })).toSucceed();
    const before = records().length;
    const mark = play.mark();
    const run = await audit({ tier: "sandbox" });
    const found = (of: typeof run) => [...new Set(findingsOf(jobOf(of, "sandboxes / audit")))];
    // Dev's principal owns the sandboxes, and here may see neither the metastore's admins nor the storage.
    expect(found(run)).toEqual(["grants/group-unseen", "grants/unseen"]);
    expect(jobOf(run, "audit").conclusion).toBe("skipped");
    expect(mark.writes()).toEqual([]);
    expect(records()).toHaveLength(before);
    expect(jobOf(run, "sandboxes / audit").summary).toContain("octocat_sandbox");
    play.stage.databricks.world.grant("octocat_sandbox.gold", "omar@example.com", ["MODIFY"]);
    expect(found(await audit({ tier: "sandbox" }))).toContain("grants/sandbox-shared");
    play.stage.databricks.world.revoke("octocat_sandbox.gold", "omar@example.com", ["MODIFY"]);
  });

  it("lets a release into prod while the newest proof is young and passed, and not after one that failed", async () => {
    await play.merge("ask", "Prod asks for an audit", (path) => {
      edit(path("four-tier.yml"), (text) =>
        text.replace("      approvers: not_actor\n", "      approvers: not_actor\n      estate: 24h\n"),
      );
      edit(path("src/models/train.py"), (text) => text.replace("random_state=7", "random_state=8"));
    });
    expectRun(await play.promote()).toSucceed(PROD);

    play.stage.databricks.world.grant("prod.gold.scores", "mona@example.com", ["SELECT"]);
    const failed = await audit();
    expect(findingsOf(jobOf(failed, JOB))).toContain("grants/unnamed-principal");
    expect(records().at(-1)?.payload).toMatchObject({ passed: false });
    play.stage.databricks.world.revoke("prod.gold.scores", "mona@example.com", ["SELECT"]);

    await play.merge("next", "Seed 9", (path) =>
      edit(path("src/models/train.py"), (text) => text.replace("random_state=8", "random_state=9")),
    );
    const staged = await play.promote();
    expectRun(staged).toStopAt("approve-to-prod / brief-live", "gate/estate-failed");

    expectRun(await audit()).toSucceed(JOB);
    expectRun(await play.toProd(staged)).toSucceed(PROD);
  });
});
