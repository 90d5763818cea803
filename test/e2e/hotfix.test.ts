/** A hotfix, run whole: from prod's commit by review, past what waits in staging; then nothing moves until it is merged back. */
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, findingsOf, jobOf } from "./expect-run.ts";
import { PROD, STAGING } from "./jobs.ts";
import { openPlay } from "./play.ts";

describe("a hotfix", () => {
  const play = openPlay({
    world: ({ github }) => Object.assign(github, { protected_branches: ["main", "hotfix/**"] }),
  });
  const script = "src/models/train.py";
  const trained = () => JSON.stringify(play.resources("prod").get("jobs.train")?.settings["tasks"]);

  it("goes to staging and prod, and the next ordinary promotion waits until it is merged back", async () => {
    const { stage } = play;
    const { commit: inProd } = await play.merge("first", "The first release", (path) =>
      edit(path("README.md"), (text) => `${text}\n`),
    );
    expectRun(await play.promote()).toSucceed(PROD);
    await play.merge("bold", "Bold, and not for prod yet", (path) => edit(path(script), (text) => `${text}# bold\n`));
    const waiting = await play.promote({ reviewer: () => ({ user: "ada", state: "rejected", comment: "Not yet." }) });
    expect(jobOf(waiting, STAGING).conclusion).toBe("success");
    const before = trained();

    stage.git("branch", "hotfix/scores", inProd);
    const repair = (path: (file: string) => string) => edit(path(script), (text) => `${text}# repaired\n`);
    stage.commit("repair", "Repair", "omar", repair, inProd);
    const number = await stage.github.openPullRequest({
      head: "repair",
      base: "hotfix/scores",
      user: "omar",
      title: "Repair",
    });
    expectRun(await play.validate(number)).toSucceed("validate / validate");
    await stage.github.review(number, "ada");
    const commit = await stage.github.mergePullRequest(number, "omar");

    const run = await play.dispatch("hotfix", { event: "workflow_dispatch", actor: "omar", inputs: { commit } });
    expectRun(run).toSucceed(STAGING, PROD);
    expect(play.ledger("staging").release.commit).toBe(commit);
    expect(play.ledger("prod").release.commit).toBe(commit);
    expect(trained()).not.toBe(before);

    const ordinary = await play.promote({ event: "workflow_dispatch" });
    expect(findingsOf(jobOf(ordinary, STAGING))).toEqual(["gate/order-diverged"]);
    expect(play.ledger("staging").release.commit).toBe(commit);
  });
});
