/** The audit, whole: an auditor proves who can write prod, the outcome is recorded, and the gate to prod asks for it. */
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, findingsOf, jobOf } from "./expect-run.ts";
import { openPlay } from "./play.ts";

const JOB = "audit / audit";
const PROD = "approve-to-prod / promote";

describe("a prod that asks for an audit", () => {
  const play = openPlay();
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
