/** An incident, whole: a bad release in prod, the way back, the tier held, and its ledger lost. */
import { copyFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { connectGitHub } from "../../src/github/client.ts";
import { whatRunsWhere } from "../../src/what-runs-where.ts";
import { expectRun, findingsOf, jobOf, textOf } from "./expect-run.ts";
import { BRIEF, PROD } from "./jobs.ts";
import { copyCaller, openPlay } from "./play.ts";

const JOB = "rollback / rollback";
const OPERATE = "operate / operate";
const VERIFY = "verify / verify";
/** A caller whose brief looks at no tier: what prod has, and what holds it, it has from the record alone. */
const BLIND = "promote-blind.yml";
const BLIND_BRIEF = "approve-to-prod / brief";

describe("a bad release in prod", () => {
  const play = openPlay({
    example: (path) => {
      for (const file of ["promote.yml", "rollback.yml", "operate.yml"]) copyCaller("commented", file, path);
      const blind = path(`.github/workflows/${BLIND}`);
      copyFileSync(path(".github/workflows/promote-to-prod.yml"), blind);
      edit(blind, (text) => text.replaceAll(/^ *read-(environment|client-id): .*\n/gm, ""));
    },
  });
  const digests: string[] = [];
  /** What brought the release that was bad, and what brought the newest one to staging. */
  let bad: RunResult;
  let staged: RunResult;
  const code = (): string =>
    /models-[0-9a-f]{64}/.exec(JSON.stringify(play.resources("prod").get("jobs.train")))?.[0] ?? "";
  const seed = (now: number, next: number) => (path: (file: string) => string) =>
    edit(path("src/models/train.py"), (text) => text.replace(`random_state=${now}`, `random_state=${next}`));
  const rollBack = (inputs: Record<string, string>, actor = "octocat") =>
    play.promote({
      workflow: "rollback.yml",
      event: "workflow_dispatch",
      actor,
      inputs: { tier: "prod", reason: "scores are wrong", ...inputs },
    });

  const operate = (inputs: Record<string, string>) =>
    play.promote({ workflow: "operate.yml", event: "workflow_dispatch", inputs: { tier: "prod", ...inputs } });

  /** What our comment on a pull request says; empty if there is none. */
  const commentOn = (number: number): string => {
    const { comments } = play.stage.github.world;
    const [own, ...more] = comments.filter(({ issue, user }) => issue === number && user === "github-actions[bot]");
    expect(more).toEqual([]);
    return own?.body ?? "";
  };

  /** What `npm run status` prints, which has no credential of any tier. */
  const status = async (): Promise<string> => {
    const { github } = play.stage;
    const [owner = "", repository = ""] = github.scenario.repository.split("/");
    const { apiUrl } = github;
    const token = github.userToken("octocat");
    const log = { debug() {} };
    const connection = connectGitHub({ token, apiUrl, serverUrl: "https://github.com", owner, repository, log });
    const look = { contract: "four-tier.yml", allowedHosts: ["127.0.0.1"], now: new Date() };
    return (await whatRunsWhere(connection, look)).text;
  };

  /** As code that runs as the tier's principal could. */
  const lose = (): void => {
    const { databricks } = play.stage;
    const { world } = databricks;
    const folder = `/Users/${databricks.credentials("ml-pipelines-prod").clientId}/.four-tier/ml-pipelines/prod`;
    world.workspace("prod").files.delete(world.principal("ml-pipelines-prod"), `${folder}/ledger.json`, false);
  };

  beforeAll(async () => {
    for (const [now, next] of [
      [7, 8],
      [8, 9],
    ] as const) {
      await play.merge(`seed-${next}`, `Seed ${next}`, seed(now, next));
      const run = await play.promote();
      expectRun(run).toSucceed(PROD);
      digests.push(jobOf(run, PROD).outputs["release-digest"] ?? "");
      bad = run;
    }
  });

  it("was verified in every tier by the job that brought it there", () => {
    const records = play.stage.github.world.deployments.filter(({ task }) => task === "four-tier-verification");
    expect(records.map(({ environment }) => environment).toSorted()).toEqual(
      ["dev", "dev", "prod", "prod", "staging", "staging"].toSorted(),
    );
  });

  it("is on its pull request: prod has it, in which release and by which run", () => {
    expect(commentOn(2)).toContain("**prod has this change**");
    expect(commentOn(2)).toContain(digests[1]?.slice(0, 12));
    expect(commentOn(2)).toContain("Next: nothing. It has arrived.");
  });

  it("is left for the last verified one, after a reviewer of prod-ops said yes; nothing is built or uploaded", async () => {
    const bad = code();
    const mark = play.mark();
    const asked: string[] = [];

    const run = await play.promote({
      workflow: "rollback.yml",
      event: "workflow_dispatch",
      inputs: { tier: "prod", to: "", reason: "scores are <b>wrong</b>" },
      reviewer: ({ environment }) => {
        asked.push(environment);
        return { user: "omar", state: "approved", comment: "Go back." };
      },
    });

    expectRun(run).toSucceed(JOB);
    expect(asked).toEqual(["prod-ops"]);
    expect(code()).not.toBe(bad);
    expect(play.ledger("prod").release.digest).toBe(digests[0]);
    expect(jobOf(run, JOB).outputs["release-digest"]).toBe(digests[0]);
    const evidence = `four-tier-evidence-rollback-prod-${digests[0] ?? ""}-1`;
    expect(jobOf(run, JOB).outputs["evidence"]).toBe(evidence);
    expect(play.stage.github.world.artifacts.map(({ name }) => name)).toContain(evidence);
    expect(mark.writes("dev", "staging")).toEqual([]);
    expect(mark.writes().filter((write) => write.includes("/releases/"))).toEqual([]);
    expect(textOf(run, JOB)).toContain("prod is held");
    expect(jobOf(run, JOB).summary).not.toContain("<b>wrong");
    expect(jobOf(run, JOB).summary).toMatch(/flowchart LR[^]*prod\["<b>prod<\/b>[^"]*rolled back, held"\]/);
    const paused = [...play.resources("prod")].filter(([, { settings }]) => {
      const schedule = settings["schedule"] as { pause_status?: string } | undefined;
      return schedule?.pause_status === "PAUSED";
    });
    expect(paused.map(([key]) => key)).toEqual([]);
    expectRun(run).toSucceed("comment / comment");
    expect(commentOn(2)).toContain("**prod does not have this change any more; staging has this change**");
    expect(commentOn(2)).toMatch(/⛔ prod takes no promotion: .*scores are &#60;b&#62;wrong/);
  });

  it("cannot be left by a push, or from a branch, or for what prod never had", async () => {
    const mark = play.mark();
    const pushed = await play.promote({
      workflow: "rollback.yml",
      event: "workflow_dispatch",
      ref: "seed-9",
      inputs: { tier: "prod", to: "", reason: "x" },
    });
    expect(pushed.conclusion).toBe("failure");
    const unknown = await rollBack({ to: "abcdef0123" });
    expect(findingsOf(jobOf(unknown, JOB))).toEqual(["rollback/unknown-release"]);
    expect(mark.writes("prod")).toEqual([]);
  });

  it("cannot come back: prod is held, and the brief says so before anybody is asked", async () => {
    await play.merge("seed-10", "Seed 10", seed(9, 10));
    const mark = play.mark();

    const run = await play.promote();

    staged = run;
    expect(jobOf(run, "gate-to-staging / promote").conclusion).toBe("success");
    expectRun(run).toStopAt(BRIEF, "gate/hold-held");
    expect(mark.writes("prod")).toEqual([]);
    expect(textOf(run, BRIEF)).toContain("scores are <b>wrong</b>");
    expect(commentOn(3)).toBe("");
  });

  it("cannot come back by deleting the ledger either: that is no empty tier, and the hold is put back with it", async () => {
    lose();
    const mark = play.mark();
    const run = await play.toProd(staged);
    expectRun(run).toStopAt(BRIEF, "ledger/missing");
    const again = await play.promote({
      workflow: "verify.yml",
      event: "workflow_dispatch",
      inputs: { tier: "prod", rebuild: "true" },
    });
    expectRun(again).toSucceed(VERIFY);
    expect(mark.writes("prod").filter((write) => /\/api\/2\.\d\/(jobs|pipelines)/.test(write))).toEqual([]);
    expectRun(await play.toProd(staged)).toStopAt(BRIEF, "gate/hold-held");
  });

  it("is rejected by its digest, so that no gate takes it again", async () => {
    const run = await operate({ operation: "reject", "release-digest": digests[1] ?? "", reason: "wrong scores" });
    expectRun(run).toSucceed(OPERATE);
    const back = await rollBack({ to: digests[1]?.slice(0, 12) ?? "" });
    expect(findingsOf(jobOf(back, JOB))).toEqual(["rollback/rejected"]);
  });

  it("is followed by a fix that stops half way once somebody resumed: prod is held again, and the record alone says so", async () => {
    expectRun(await operate({ operation: "resume", reason: "fixed by seed 10" })).toSucceed(OPERATE);
    expect(commentOn(2)).not.toContain("⛔");
    const fault = { method: "POST", path: "/api/2.2/jobs/reset", workspace: "prod" } as const;
    play.stage.databricks.fault({ ...fault, effect: "error", status: 403, times: 1 });

    const run = await play.toProd(staged);

    expectRun(run).toStopAt(PROD, "databricks/refused", "promote/unfinished");
    const release = jobOf(run, PROD).outputs["release-digest"] ?? "";
    const said = jobOf(run, PROD).steps.find(({ name }) => name === `Hold prod, promotions, release ${release}`);
    expect(said?.conclusion).toBe("success");
    expect(await status()).toMatch(/HELD: The promotion of [0-9a-f]{12} stopped half way/);
    const other = await play.toProd(bad, { workflow: BLIND });
    expect(findingsOf(jobOf(other, BLIND_BRIEF))).toContain("gate/hold-held");
    expect(textOf(other, BLIND_BRIEF)).toContain("stopped half way");
  });

  it("is followed by the fix, which may enter again and ends that hold", async () => {
    const run = await play.toProd(staged);
    expectRun(run).toSucceed(PROD);
    expect(play.ledger("prod").release.digest).toBe(jobOf(run, PROD).outputs["release-digest"]);
    expect(await status()).not.toContain("HELD");
  });

  it("leaves a tier whose lost ledger is made again from tags and records, and nothing else is written", async () => {
    const before = play.resources("prod");
    const now = play.ledger("prod").release.digest;
    lose();

    const lost = await play.promote({
      workflow: "verify.yml",
      event: "workflow_dispatch",
      inputs: { tier: "prod", rebuild: "false" },
    });
    expectRun(lost).toStopAt(VERIFY, "ledger/missing");

    const again = await play.promote({
      workflow: "verify.yml",
      event: "workflow_dispatch",
      inputs: { tier: "prod", rebuild: "true" },
    });
    expectRun(again).toSucceed(VERIFY);
    expect(play.ledger("prod").release.digest).toBe(now);
    expect(play.resources("prod")).toEqual(before);
    expect(jobOf(again, VERIFY).annotations.map(({ title }) => title)).toContain("ledger/rebuilt");
  });
});
