/** Two people approve by runs of their own, where the environment asks nobody: as in a private repository of a team plan. */
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, findingsOf, jobOf } from "./expect-run.ts";
import { BRIEF, PROD } from "./jobs.ts";
import { openPlay } from "./play.ts";

describe("approvals by dispatch", () => {
  const play = openPlay({
    world: ({ github }) => {
      const prod = github.environments["prod"];
      if (prod !== undefined) Object.assign(prod, { reviewers: [], prevent_self_review: false });
    },
    example: (path) =>
      edit(path("four-tier.yml"), (text) =>
        text.replace("approvers: not_actor", "approvers: { by: dispatch, count: 2 }"),
      ),
  });
  const approve = (actor: string, digests: Readonly<Record<string, string>>) =>
    play.promote({
      workflow: "operate.yml",
      event: "workflow_dispatch",
      actor,
      inputs: { operation: "approve", tier: "prod", ...digests },
    });

  beforeAll(async () => {
    await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
  });

  it("let in what two others approved, in a re-run of the failed job; not one, not the starter, not other digests", async () => {
    const staged = await play.promote();
    expectRun(staged).toStopAt(PROD, "gate/approval-missing");
    const performance = await play.startToProd(staged);
    const first = await performance.done;
    expectRun(first).toStopAt(PROD, "gate/approval-missing");
    const { outputs, summary } = jobOf(first, BRIEF);
    const digests = {
      "release-digest": outputs["release-digest"] ?? "",
      "plan-digest": outputs["plan-digest"] ?? "",
    };
    expect(summary).toContain("2 people of whoever may write");
    expect(play.stage.databricks.world.jobs("prod")).toEqual([]);

    expectRun(await approve("ada", digests)).toSucceed("operate / operate");
    expectRun(await approve("octocat", digests)).toSucceed("operate / operate"); // who started the run
    expectRun(await approve("omar", { ...digests, "plan-digest": "9".repeat(64) })).toSucceed("operate / operate");
    const refused = await performance.again("omar");
    expect(findingsOf(jobOf(refused, PROD))).toEqual(["gate/approval-missing", "gate/approval-self"]);
    expect(play.stage.databricks.world.jobs("prod")).toEqual([]);

    expectRun(await approve("omar", digests)).toSucceed("operate / operate");
    expectRun(await performance.again("omar", "failed")).toSucceed(PROD);
    expect(play.ledger("prod").release.digest).toBe(digests["release-digest"]);
  });
});
