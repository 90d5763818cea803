/** The chain as it should go: a merge reaches prod, the same commit moves nothing, a component moves alone. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { openPlay, type Play, TIERS } from "./play.ts";

const TRAIN = "src/models/train.py";
const JOBS = [
  "deploy-to-dev / build",
  "deploy-to-dev / promote",
  "gate-to-staging / promote",
  "approve-to-prod / brief-live",
  "approve-to-prod / promote",
];
const PROMOTIONS = JOBS.filter((job) => job.endsWith("/ promote"));

describe("the chain", () => {
  const play = openPlay({ example: readOutputs });
  let again: RunResult;

  it("takes a merged pull request to prod, one release in three tiers", async () => {
    const { commit, validate } = await play.merge("deeper-trees", "Train deeper trees", (path) =>
      edit(path(TRAIN), (text) => text.replace("test_size=0.25", "test_size=0.2")),
    );
    expectRun(validate).toSucceed("validate / validate");

    // With debug on, everything that is ever logged is in the logs that are searched for secrets.
    const run = await play.promote({ debug: true });

    expectRun(run).toSucceed(...JOBS);
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

    again = await play.promote({ event: "workflow_dispatch" });

    expectRun(again).toSucceed(...JOBS, "outputs");
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

  it("hands every output to the caller that the workflows promise", () => {
    const log = jobOf(again, "outputs")
      .steps.map(({ log }) => log.replaceAll(/^##.*$/gm, ""))
      .join("");
    const needs = JSON.parse(log.slice(log.indexOf("{"))) as Record<string, { outputs: Record<string, string> }>;
    for (const name of ["deploy-to-dev", "gate-to-staging", "approve-to-prod"]) {
      const { on } = parse(readFileSync(`.github/workflows/${name}.yml`, "utf8")) as {
        on: { workflow_call: { outputs: Record<string, unknown> } };
      };
      const outputs = needs[name]?.outputs ?? {};
      expect({ [name]: Object.keys(outputs).sort() }).toEqual({
        [name]: Object.keys(on.workflow_call.outputs).sort(),
      });
      expect(Object.entries(outputs).filter(([, value]) => value === "")).toEqual([]);
    }
  });

  it("moves only the resources of the component that a commit touches", async () => {
    await play.merge("rounds", "Another seed", (path) =>
      edit(path(TRAIN), (text) => text.replace("random_state=7", "random_state=11")),
    );
    const before = everything(play);

    expectRun(await play.promote()).toSucceed(...JOBS);

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

/** A last job of the caller that prints what it can see of the others. */
function readOutputs(path: (file: string) => string): void {
  const job = `
  outputs:
    needs: [deploy-to-dev, gate-to-staging, approve-to-prod]
    runs-on: ubuntu-24.04
    steps:
      - env:
          NEEDS: \${{ toJSON(needs) }}
        run: echo "$NEEDS"
`;
  edit(path(".github/workflows/promote.yml"), (text) => `${text}${job}`);
}

function everything(play: Play) {
  return { dev: play.resources("dev"), staging: play.resources("staging"), prod: play.resources("prod") };
}
