/**
 * The demo's scenes, each as the demo plays it and expects it: the chain as it should go, of which more is asked here
 * than the demo shows, and the ways in which it should not.
 */
import { describe, expect, it } from "vitest";
import { SCENES, type Scene } from "../../demo/scenes.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { openPlay, type Play, TIERS } from "./play.ts";

const JOBS = [
  "deploy-to-dev / build",
  "deploy-to-dev / promote",
  "gate-to-staging / promote",
  "approve-to-prod / brief-live",
  "approve-to-prod / promote",
];
const PROMOTIONS = JOBS.filter((job) => job.endsWith("/ promote"));

describe("the chain", () => {
  // With debug on, everything that is ever logged is in the logs that are searched for secrets.
  const play = openPlay({ debug: true });
  const [toProd, sameCommit, oneComponent, ...cheats] = SCENES;
  /** How the scene ended, in the demo's words, and its promotion. */
  const playScene = async (scene: Scene): Promise<{ readonly actual: string; readonly run: RunResult }> => {
    const { actual, runs } = await scene.play(play);
    const run = runs.at(-1);
    if (run === undefined) throw new Error(`${scene.name}: no run`);
    return { actual, run };
  };

  it("takes a merged pull request to prod, one release in three tiers", async () => {
    const { actual, run } = await playScene(toProd);

    expect(actual).toBe(toProd.expected);
    expectRun(run).toSucceed(...JOBS);
    const commit = play.stage.git("rev-parse", "main");
    const [digest] = PROMOTIONS.map((job) => jobOf(run, job).outputs["release-digest"]);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    // The bytes that the build named are those of the release, in every tier.
    const built = jobOf(run, "deploy-to-dev / build").outputs["digests"] ?? "";
    expect(built).toMatch(/^[0-9a-f]{64} {2}dist\/churn-\d\S+\.whl$/m);
    const carried = play.stage.github.world.deployments.flatMap(
      ({ payload }) => (payload as { artifacts?: { sha256: string }[] }).artifacts ?? [],
    );
    expect(carried.map(({ sha256 }) => sha256)).toEqual(TIERS.map(() => built.slice(0, 64)));
    const releases = await play.releases();
    expect(releases.map(({ tier, release }) => ({ tier, release }))).toEqual(
      TIERS.map((tier) => ({ tier, release: digest })),
    );
    for (const job of PROMOTIONS) expect(jobOf(run, job).outputs["release-digest"]).toBe(digest);
    for (const tier of TIERS) expect(play.ledger(tier).release).toMatchObject({ digest, commit });
    // The plan that was approved is the one that was carried out.
    const plan = jobOf(run, "approve-to-prod / promote").outputs["plan-digest"];
    expect(jobOf(run, "approve-to-prod / brief-live").outputs["plan-digest"]).toBe(plan);
  });

  it("pauses every schedule in dev and staging, and runs them in prod", () => {
    const { world } = play.stage.databricks;
    const states = TIERS.map((tier) => {
      const starting = world.picture(tier).filter(({ starts }) => starts !== undefined);
      return { tier, number: starting.length, paused: [...new Set(starting.map(({ paused }) => paused))] };
    });
    // refresh and score by a schedule, train by another, score_stream without end
    expect(states).toEqual([
      { tier: "dev", number: 4, paused: [true] },
      { tier: "staging", number: 4, paused: [true] },
      { tier: "prod", number: 4, paused: [false] },
    ]);
  });

  it("gives each tier's principal what it made, and the readers a look at it", () => {
    for (const tier of TIERS) {
      const { clientId } = play.stage.databricks.credentials(`ml-pipelines-${tier}`);
      const { acls } = play.stage.databricks.world.workspace(tier);
      const resources = [...play.resources(tier)];
      expect(resources.map(([key]) => key).sort()).toEqual([
        "jobs.refresh",
        "jobs.score",
        "jobs.score_stream",
        "jobs.smoke_test",
        "jobs.train",
        "pipelines.features",
        "pipelines.ingest",
      ]);
      for (const [key, { id }] of resources) {
        const entries = acls.of(key.startsWith("jobs.") ? "jobs" : "pipelines", id);
        const levels = entries.map(({ principal, level }) => `${principal} ${level}`);
        expect(levels, `${tier} ${key}`).toContain(`${clientId} IS_OWNER`);
        expect(levels, `${tier} ${key}`).toContain("four-tier-readers CAN_VIEW");
      }
    }
  });

  it("writes nothing for a commit that every tier has, and says so", async () => {
    const mark = play.mark();
    const before = everything(play);
    const promotions = () => play.stage.github.world.deployments.filter(({ task }) => task === "four-tier").length;
    const recorded = promotions();

    const { actual, run: again } = await playScene(sameCommit);

    expect(actual).toBe(sameCommit.expected);
    expectRun(again).toSucceed(...JOBS);
    expect(mark.writes()).toEqual([]);
    expect(everything(play)).toEqual(before);
    // each tier's record stands, and what its run proved with it
    expect(promotions()).toBe(recorded);
    for (const name of PROMOTIONS) {
      expect(jobOf(again, name).outputs["changed"]).toBe("false");
      expect(textOf(again, name)).toContain("nothing was written to jobs, pipelines or files");
      expect(textOf(again, name)).toContain("whose record stands");
    }
  });

  it("moves only the resources of the component that a commit touches", async () => {
    const before = everything(play);

    const { actual, run } = await playScene(oneComponent);

    expect(actual).toBe(oneComponent.expected);
    expectRun(run).toSucceed(...JOBS);

    for (const tier of TIERS) {
      const moved = [...play.resources(tier)].filter(([key, now]) => {
        const then = before[tier].get(key);
        expect(now.id, `${tier} ${key}`).toBe(then?.id);
        return JSON.stringify(now.settings) !== JSON.stringify(then?.settings);
      });
      expect(moved.map(([key]) => key).sort()).toEqual([
        "jobs.score",
        "jobs.score_stream",
        "jobs.smoke_test",
        "jobs.train",
      ]);
    }
  });

  it.each(cheats)("stops: $name", async (scene) => {
    expect((await playScene(scene)).actual).toBe(scene.expected);
  });
});

describe("the search for secrets", () => {
  const play = openPlay();

  it("finds one in a file of a workspace, in a Deployment, in a path that was asked for", async () => {
    const { databricks, github } = play.stage;
    const { clientSecret } = databricks.credentials("ml-pipelines-prod");
    const token = databricks.tokenFor("ml-pipelines-dev");
    expect(play.leaks()).toEqual([]);
    const file = "/Shared/left.txt";

    databricks.world.writeFile("dev", file, `x${Buffer.from(`id:${clientSecret}`).toString("base64")}`);
    await fetch(`${github.apiUrl}/repos/acme/ml-pipelines/commits/${github.userToken("ada")}`);
    await fetch(`${databricks.workspaces["dev"]?.url}/api/2.2/jobs/list?name=${token}`);
    const found = play.leaks().join("\n");
    databricks.world.workspace("dev").files.at(file)?.bytes.fill(0);
    (databricks.requests as unknown[]).length = 0;
    github.requests.length = 0;

    expect(found).toContain(`is in dev${file} (encoded)`);
    expect(found).toContain("is in requests to Databricks");
    expect(found).toContain("is in requests to GitHub");
  });
});

function everything(play: Play) {
  return { dev: play.resources("dev"), staging: play.resources("staging"), prod: play.resources("prod") };
}
