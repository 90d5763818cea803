/** A freeze, and somebody who cannot wait for its end: shown to whoever approves, and in the record for good. */
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, findingsOf, jobOf, textOf } from "./expect-run.ts";
import { BRIEF, PROD } from "./jobs.ts";
import { openPlay } from "./play.ts";

const REASON = "Scores are billed twice; the repair cannot wait for January.";

describe("break-glass", () => {
  const play = openPlay({
    example: (path) =>
      edit(path("four-tier.yml"), (text) =>
        text.replace(
          "      approvers: not_actor\n",
          `$&      freezes: [{ from: "2020-01-01", until: "2099-12-31", zone: Europe/Berlin, reason: "Closing of the books" }]\n`,
        ),
      ),
    world: ({ github }) => {
      const prod = github.environments["prod"];
      if (prod !== undefined) Object.assign(prod, { reviewers: ["ada", "omar"] });
    },
  });
  const records = () =>
    play.stage.github.world.deployments.filter(
      ({ environment, task }) => environment === "prod" && task === "four-tier",
    );

  it("holds with a reason, for the check that is named, in a run that another person approved; everybody can see it", async () => {
    const { stage } = play;
    const { commit } = await play.merge("first", "The first release", (path) =>
      edit(path("README.md"), (text) => `${text}\n`),
    );
    const frozen = await play.promote();
    const broken = (inputs: Readonly<Record<string, string>>) => play.toProd(frozen, { inputs });
    expect(findingsOf(jobOf(frozen, PROD))).toEqual(["gate/window-frozen"]);
    expect(textOf(frozen, BRIEF)).toContain("Closing of the books");

    expectRun(await broken({ override: "window" })).toFail(/input\/reason/);
    expectRun(await broken({ override: "approval", reason: REASON })).toFail(/input\/override/);
    // Another check's override opens nothing.
    const other = await broken({ override: "hold", reason: REASON });
    expect(findingsOf(jobOf(other, PROD))).toEqual(["gate/window-frozen"]);
    expect(stage.databricks.world.jobs("prod")).toEqual([]);
    expect(records()).toEqual([]);

    const run = await broken({ override: "window", reason: REASON });
    expectRun(run).toSucceed(BRIEF, PROD);
    expect(play.ledger("prod").release.commit).toBe(commit);
    expect(textOf(run, BRIEF)).toContain(`octocat asks to override window: ${REASON}`);
    expect(textOf(run, PROD)).toContain(`octocat overrode window: ${REASON}`);
    const annotations = jobOf(run, PROD).annotations.filter(({ title }) => title === "gate/overridden");
    expect(annotations.map(({ level, message }) => [level, message.includes(REASON)])).toEqual([["warning", true]]);
    expect(records().map(({ payload }) => payload)).toMatchObject([
      { release: play.ledger("prod").release.digest, overrides: [{ check: "window", reason: REASON, by: "octocat" }] },
    ]);
  });

  it("does not hold where nobody else approved", async () => {
    await play.merge("second", "The second release", (path) =>
      edit(path("src/models/train.py"), (text) => `${text}# 2\n`),
    );
    const environment = play.stage.github.world.environment("prod");
    const before = play.ledger("prod").release.commit;
    const run = await play.promote({
      event: "workflow_dispatch",
      actor: "omar",
      inputs: { override: "window", reason: REASON },
      reviewer: () => {
        environment.settings = { ...environment.settings, prevent_self_review: false };
        return { user: "omar", state: "approved", comment: "Quick!" };
      },
    });
    expect(findingsOf(jobOf(run, PROD))).toEqual([
      "gate/approval-self",
      "gate/override-not-approved",
      "gate/protection-self-review",
      "gate/window-frozen",
    ]);
    expect(play.ledger("prod").release.commit).toBe(before);
    expect(records()).toHaveLength(1);
  });
});
