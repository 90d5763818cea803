/** What people decide about a tier: schedules held and given back, the line stopped, and what is no operation. */
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf } from "./expect-run.ts";
import { PROD } from "./jobs.ts";
import { openPlay } from "./play.ts";

const JOB = "operate / operate";

describe("an operation", () => {
  // A caller that lets through what it should not: the called workflow must not trust it.
  const play = openPlay({
    example: (path) =>
      edit(path(".github/workflows/operate.yml"), (text) =>
        text.replace("options: [hold,", "options: [promote, plan, rollback, hold,"),
      ),
  });
  const operate = (inputs: Record<string, string>) =>
    play.promote({ workflow: "operate.yml", event: "workflow_dispatch", inputs: { tier: "prod", ...inputs } });
  /** What brought the newest release to staging. */
  let staged: RunResult;
  const paused = () =>
    [...play.resources("prod")].flatMap(([key, { settings }]) => {
      const starter = settings["schedule"] ?? settings["continuous"];
      return (starter as { pause_status?: string } | undefined)?.pause_status === "PAUSED" ? [key] : [];
    });

  beforeAll(async () => {
    await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
    expectRun(await play.promote()).toSucceed(PROD);
  });

  /** The artifact that the job hands on for signing, if the run has it. */
  const evidenceOf = (run: RunResult): string | undefined =>
    play.stage.github.world.artifacts
      .map(({ name }) => name)
      .find((name) => name === jobOf(run, JOB).outputs["evidence"]);

  it("pauses what it names, keeps it so through a promotion, and gives back what was there", async () => {
    expect(paused()).toEqual([]);
    const held = await operate({ operation: "pause", selector: "name:jobs.score*", reason: "the source is late" });
    expectRun(held).toSucceed(JOB);
    const after = paused();
    expect(after).toContain("jobs.score");
    expect(after).not.toContain("jobs.refresh");
    expect(evidenceOf(held)).toBe(`four-tier-evidence-pause-prod-${held.id}-1`);
    expect(jobOf(held, JOB).steps.map(({ name }) => name)).toContain("Hold prod, schedules of name:jobs.score*");

    await play.merge("seed", "Another seed", (path) =>
      edit(path("src/models/train.py"), (text) => text.replace("random_state=7", "random_state=8")),
    );
    staged = await play.promote();
    expectRun(staged).toSucceed(PROD);
    expect(paused()).toEqual(after);

    expectRun(await operate({ operation: "unpause", reason: "it came" })).toSucceed(JOB);
    expect(paused()).toEqual([]);
  });

  it("makes a tier quiet again, in that tier's own environment", async () => {
    const { world } = play.stage.databricks;
    const state = () =>
      (world.job("staging", "churn score").settings["schedule"] as { readonly pause_status?: string }).pause_status;
    world.changeJob("staging", "churn score", (settings) => {
      settings["schedule"] = { ...(settings["schedule"] as object), pause_status: "UNPAUSED" };
    });
    expectRun(await operate({ operation: "enforce", tier: "staging" })).toSucceed(JOB);
    expect(state()).toBe("PAUSED");
    expect(paused()).toEqual([]);
  });

  it("stops the line while the workspace does not answer: the record is enough", async () => {
    const broken = { path: "*", workspace: "prod", effect: "error", status: 403, times: "always" } as const;
    const fault = play.stage.databricks.fault(broken);
    const run = await operate({ operation: "hold", reason: "the metastore is down" });
    fault.cancel();

    expectRun(run).toSucceed(JOB);
    expect(jobOf(run, JOB).annotations.map(({ title }) => title)).toContain("operate/not-kept");
    expect(evidenceOf(run)).toBe(`four-tier-evidence-hold-prod-${run.id}-1`);
    const promoted = await play.toProd(staged);
    expectRun(promoted).toStopAt("approve-to-prod / brief-live", "gate/hold-held");
    expectRun(await operate({ operation: "resume", reason: "it is up" })).toSucceed(JOB);
  });

  it.each(["promote", "plan", "rollback"])("%j is none: it is refused, and nothing is done", async (operation) => {
    const mark = play.mark();
    const run = await operate({ operation, reason: "x" });
    expect(run.conclusion).toMatch(/failure/);
    expect(mark.writes()).toEqual([]);
  });
});
