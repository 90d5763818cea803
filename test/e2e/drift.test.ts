/** Changes by hand in prod: shown before the approval, refused after it, overwritten only by the digest that was shown. */
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { BRIEF, PROD } from "./jobs.ts";
import { openPlay } from "./play.ts";

describe("a job that somebody changed by hand in prod", () => {
  const play = openPlay();
  let digest = "";
  /** What brought the next release to staging. */
  let staged: RunResult;

  /** Somebody lets the scoring run by another clock. */
  const changeByHand = (cron: string): void =>
    play.stage.databricks.world.changeJob("prod", "churn score", (settings) => {
      settings["schedule"] = { quartz_cron_expression: cron, timezone_id: "UTC", pause_status: "UNPAUSED" };
    });
  const score = () => play.resources("prod").get("jobs.score")?.settings;
  const driftShownIn = (run: RunResult): string => jobOf(run, BRIEF).outputs["drift-digest"] ?? "";

  beforeAll(async () => {
    await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
    expectRun(await play.promote()).toSucceed(PROD);
  });

  it("is shown in the brief with its digest; after the approval prod refuses, and nothing is applied", async () => {
    changeByHand("0 0 1 * * ?");
    await play.merge("seed", "Another seed", (path) =>
      edit(path("src/models/train.py"), (text) => text.replace("random_state=7", "random_state=8")),
    );
    const mark = play.mark();
    const before = play.resources("prod");

    const run = await play.promote();

    staged = run;
    digest = driftShownIn(run);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(jobOf(run, BRIEF).conclusion).toBe("success");
    const brief = textOf(run, BRIEF);
    expect(brief).toContain("changed by hand in prod: jobs.score");
    expect(brief).toContain("0 0 1 * * ?");
    expect(brief).toContain(digest);
    expectRun(run).toStopAt(PROD, "gate/drift-changed");
    expect(textOf(run, PROD)).toContain("schedule.quartz_cron_expression: 0 30 6 * * ? → 0 0 1 * * ?");
    expect(
      jobOf(run, PROD)
        .annotations.map(({ message }) => message)
        .join("\n"),
    ).toContain(`accept-drift: ${digest}`);
    expect(mark.writes("prod")).toEqual([]);
    expect(play.resources("prod")).toEqual(before);
  });

  it("is not overwritten by a run that accepts another digest", async () => {
    const mark = play.mark();
    const other = digest.replace(/^./, (first) => (first === "0" ? "1" : "0"));

    const run = await play.toProd(staged, { inputs: { "accept-drift": other } });

    expectRun(run).toStopAt(PROD, "gate/drift-changed", "gate/drift-other");
    expect(mark.writes("prod")).toEqual([]);
  });

  it("is not overwritten if the hand moves again after the brief", async () => {
    const mark = play.mark();

    const run = await play.toProd(staged, {
      inputs: { "accept-drift": digest },
      reviewer: ({ finished }) => {
        expect(finished.at(-1)?.outputs["drift-digest"]).toBe(digest);
        changeByHand("0 0 2 * * ?");
        return { user: "ada", state: "approved", comment: "As the brief says." };
      },
    });

    expectRun(run).toStopAt(PROD, "gate/drift-changed", "gate/drift-other");
    expect(textOf(run, PROD)).toContain("0 0 2 * * ?");
    expect(mark.writes("prod")).toEqual([]);
    expect(score()).toMatchObject({ schedule: { quartz_cron_expression: "0 0 2 * * ?" } });
  });

  it("is overwritten by a run that accepts the digest of just this change", async () => {
    changeByHand("0 0 1 * * ?");

    const run = await play.toProd(staged, { inputs: { "accept-drift": digest } });

    expectRun(run).toSucceed(BRIEF, PROD);
    expect(score()).toMatchObject({
      schedule: { quartz_cron_expression: "0 30 6 * * ?", timezone_id: "Europe/Berlin", pause_status: "UNPAUSED" },
    });
  });
});
