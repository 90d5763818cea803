/** The scheduled look at all tiers: one issue that is opened, rewritten, closed and opened again; and who writes it. */
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf } from "./expect-run.ts";
import { openPlay } from "./play.ts";

describe("the issue about drift", () => {
  const play = openPlay();
  const issues = () => play.stage.github.world.issues;
  const comments = (number: number | undefined) =>
    play.stage.github.world.comments.filter(({ issue }) => issue === number).map(({ body }) => body);

  const look = (): Promise<RunResult> => play.dispatch("drift", { event: "workflow_dispatch", actor: "octocat" });
  const start = (paused: boolean): void =>
    play.stage.databricks.world.changeJob("staging", "churn score", (settings) => {
      settings["schedule"] = { ...(settings["schedule"] as object), pause_status: paused ? "PAUSED" : "UNPAUSED" };
    });

  beforeAll(async () => {
    await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
    expectRun(await play.promote()).toSucceed("approve-to-prod / promote");
  });

  it("is not opened while all is clean, and nothing is written to a tier", async () => {
    const mark = play.mark();
    const run = await look();
    expectRun(run).toSucceed("drift / dev", "drift / staging", "drift / prod", "drift / report");
    expect(issues()).toEqual([]);
    expect(mark.writes()).toEqual([]);
  });

  it("is opened when a job runs in staging and somebody renamed one in prod, with what to do about each", async () => {
    start(false);
    play.stage.databricks.world.changeJob("prod", "churn train", (settings) => {
      settings["description"] = "@octocat <img src=x> #1 [look](https://evil.example)";
    });
    const run = await look();
    expect(jobOf(run, "drift / staging").conclusion).toBe("failure");
    const [issue, ...others] = issues();
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ state: "open", user: "github-actions[bot]", labels: ["four-tier-drift"] });
    expect(issue?.body).toContain("<code>schedules/drift</code>");
    expect(issue?.body).toContain("<code>drift/changed</code>");
    expect(issue?.body).toContain("jobs.train");
    expect(issue?.body).not.toMatch(/@octocat|<img|\(https:\/\/evil/);
    expect(jobOf(run, "drift / report").conclusion).toBe("failure");
  });

  it("is rewritten, not repeated, by the next look; what somebody wrote into it is gone", async () => {
    const [issue] = issues();
    if (issue === undefined) throw new Error("there is no issue");
    issue.body = `${issue.body.split("\n")[0] ?? ""}\nNothing to see here.`;
    await look();
    expect(issues()).toHaveLength(1);
    expect(issue.body).not.toContain("Nothing to see here");
    expect(issue.body).toContain("jobs.score");
    expect(comments(issue.number)).toEqual([]);
  });

  it("is closed when all is as it should be, and says so once", async () => {
    start(true);
    play.stage.databricks.world.changeJob("prod", "churn train", (settings) => {
      settings["description"] =
        "Trains the churn model on this tier's own data. Code is promoted, models are trained again in each tier.";
    });
    await look();
    await look();
    const [issue] = issues();
    expect(issue).toMatchObject({ state: "closed", stateReason: "completed" });
    expect(comments(issue?.number)).toHaveLength(1);
  });

  it("is opened again, the same one, when it no longer is", async () => {
    start(false);
    await look();
    expect(issues()).toHaveLength(1);
    expect(issues()[0]).toMatchObject({ state: "open" });
    start(true);
  });

  it("stays open when a tier could not be looked at", async () => {
    play.stage.databricks.fault({
      workspace: "dev",
      path: "/api/2.2/jobs/list",
      effect: "error",
      // final: what is tried again costs half a minute of waiting
      status: 403,
      code: "PERMISSION_DENIED",
      times: 50,
    });
    await look();
    const [issue] = issues();
    expect(issue?.state).toBe("open");
    expect(issue?.body).toContain("❓ not looked at");
  });

  it("is not one that somebody else opened with its mark", async () => {
    const { world } = play.stage.github;
    const [own] = issues();
    if (own === undefined) throw new Error("there is no issue");
    const forged = { ...own, id: world.id(), number: world.nextNumber(), user: "octocat", body: own.body };
    world.issues.push(forged);
    const before = forged.updatedAt;
    start(false);
    await look();
    expect(forged.updatedAt).toBe(before);
    expect(own.state).toBe("open");
    expect(issues()).toHaveLength(2);
  });
});
