/** Who lets a release into prod: somebody who did not start the run, in a protected environment, for this very run. */
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { BRIEF, PROD } from "./jobs.ts";
import { openPlay } from "./play.ts";

describe("the approval", () => {
  const play = openPlay();
  /** What brought the release to staging. */
  let staged: RunResult;
  const environment = () => {
    const prod = play.stage.github.world.environments.get("prod");
    if (prod === undefined) throw new Error("There is no environment prod");
    return prod;
  };

  beforeAll(async () => {
    await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
  });

  it("that is refused leaves prod untouched", async () => {
    const mark = play.mark();
    const asked = play.stage.databricks.requests.length;

    const run = await play.promote({
      reviewer: () => ({ user: "ada", state: "rejected", comment: "Not on a Friday." }),
    });
    staged = run;

    expectRun(run).toFail(/The deployment was rejected/);
    expectRun(run).toStopAt(PROD);
    expect(jobOf(run, PROD).steps).toEqual([]);
    expect(mark.writes("prod")).toEqual([]);
    // Only the reader that wrote the brief was ever there.
    const visitors = play.stage.databricks.requests.slice(asked).filter(({ server }) => server === "prod");
    expect([...new Set(visitors.map(({ principal }) => principal))]).toEqual(
      expect.not.arrayContaining(["ml-pipelines-prod"]),
    );
    expect((await play.releases()).map(({ tier }) => tier)).toEqual(["dev", "staging"]);
    expect(textOf(run, BRIEF)).toContain("before its first release nobody but its own principal can look into prod's");
  });

  it("cannot be given by who started the run, and is worth nothing where the environment lets them", async () => {
    const { settings } = environment();
    const refusals: string[] = [];

    const run = await play.toProd(staged, {
      actor: "ada",
      reviewer: async ({ run: id }) => {
        const { github } = play.stage;
        const response = await fetch(
          `${github.apiUrl}/repos/${github.scenario.repository}/actions/runs/${id}/pending_deployments`,
          {
            method: "POST",
            headers: { authorization: `Bearer ${github.userToken("ada")}`, "content-type": "application/json" },
            body: JSON.stringify({ environment_ids: [environment().id], state: "approved", comment: "Mine." }),
          },
        );
        refusals.push(`${response.status} ${await response.text()}`);
        // Now somebody loosens the rules, after the brief was written under the strict ones.
        environment().settings = { ...settings, prevent_self_review: false };
        return { user: "ada", state: "approved", comment: "Mine." };
      },
    });
    environment().settings = settings;

    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(/^422 .*prevents self-review/);
    expect(jobOf(run, BRIEF).conclusion).toBe("success");
    expectRun(run).toStopAt(PROD, "gate/protection-self-review", "gate/approval-self");
    expect(play.stage.databricks.world.jobs("prod")).toEqual([]);
  });

  it("is not there in an environment without protection, and the brief says so already", async () => {
    const { environments } = play.stage.github.world;
    const kept = environment();
    environments.delete("prod");

    const run = await play.toProd(staged);
    environments.set("prod", kept);

    expectRun(run).toStopAt(BRIEF, "gate/protection-no-environment");
    expect(play.stage.databricks.world.jobs("prod")).toEqual([]);
  });

  it("is not to be had by the author who runs again what failed of a run that somebody else started", async () => {
    const mark = play.mark();
    const decided: string[] = [];
    const performance = await play.startToProd(staged, {
      actor: "omar",
      reviewer: () => ({ user: "ada", state: decided.push("ada") === 1 ? "rejected" : "approved", comment: "Read." }),
    });
    await performance.done;
    const again = await performance.again("octocat", "failed");
    expect([again.attempt, decided.length]).toEqual([2, 2]);
    expectRun(again).toStopAt(PROD, "gate/approval-re-run");
    expect(mark.writes("prod")).toEqual([]);
  });

  it("holds for the attempt it was given in, and not for the next by somebody else", async () => {
    const performance = await play.startToProd(staged);
    expectRun(await performance.done).toSucceed(PROD);
    const mark = play.mark();
    const released = await play.releases();

    const again = await performance.again("omar");

    expect(again.attempt).toBe(2);
    expectRun(again).toStopAt(PROD, "gate/approval-re-run");
    expect(mark.writes("prod")).toEqual([]);
    expect((await play.releases()).find(({ tier }) => tier === "prod")).toEqual(
      released.find(({ tier }) => tier === "prod"),
    );
  });
});
