/** What holds of every whole run: a failing one explains itself, and no test is without the search for secrets. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ASSUMPTIONS } from "../../simulator/github/scenario.ts";
import { formsOf } from "../actions/canary.ts";
import { edit } from "../../demo/stage.ts";
import { expectRun } from "./expect-run.ts";
import { openPlay, TIERS } from "./play.ts";

const DEV = "deploy-to-dev / promote";
const merged = (play: ReturnType<typeof openPlay>, branch: string) =>
  play.merge(branch, branch, (path) => edit(path("src/models/train.py"), (text) => `${text}\n# ${branch}\n`));

describe("a test that fails", () => {
  const play = openPlay({
    world: ({ databricks }) => {
      databricks.faults.push({
        method: "POST",
        path: "/api/2.2/jobs/create",
        nth: 2,
        times: 1,
        effect: "error",
        status: 400,
        message: "This job is not to be.",
        delay_ms: 0,
      });
    },
  });

  it("shows which job stopped, the end of its log, and what was written or refused", async () => {
    await merged(play, "refused");
    const run = await play.promote();
    let said = "";
    try {
      expectRun(run).toSucceed();
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain("The run was to succeed and is failure.");
    expect(said).toMatch(new RegExp(`^ {2}failure +${DEV}$`, "m"));
    // the finding, the step's log, the request that was refused, and one before it that was not
    expect(said).toMatch(/^ {4}error \S+: .*This job is not to be/m);
    expect(said).toMatch(new RegExp(`^--- ${DEV}, `, "m"));
    expect(said).toMatch(/^ {2}400 dev POST \/api\/2\.2\/jobs\/create by ml-pipelines-dev$/m);
    expect(said).toMatch(/^ {2}200 dev POST \/api\/2\.0\/workspace/m);
  });
});

describe("the search for secrets", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));

  it.each(files)("is after every test of %s", (name) => {
    const text = readFileSync(new URL(name, import.meta.url), "utf8");
    // nothing of a stage is reached but through a play, which searches after each test by itself
    expect(text).toContain("openPlay(");
    expect(text).not.toMatch(/^import[^;]*\b(setStage|openTheatre|createRunner|startDatabricks|startGitHub)\b/m);
  });

  const play = openPlay();
  const secret = 'dose/"canary"+e2e 6713';

  it("finds each form in each place", () => {
    const { databricks, github } = play.stage;
    github.scenario.secrets["CANARY"] = secret;
    const { world } = databricks;
    const silver = world.securable("dev.silver");
    const places: Readonly<Record<string, (text: string) => () => void>> = {
      "dev's pipelines": (text) => {
        const store = world.workspace("dev").pipelines;
        const made = store.create({ name: text, catalog: "dev", schema: "s" }, "ml-pipelines-dev");
        return () => store.delete(made);
      },
      "metastore dev.silver": (text) => {
        silver.comment = text;
        return () => void (silver.comment = undefined);
      },
      "dev/Shared/left": (text) => {
        world.writeFile("dev", "/Shared/left", `x${text}y`);
        return () => world.writeFile("dev", "/Shared/left", "");
      },
    };
    expect(formsOf(secret).length).toBeGreaterThanOrEqual(6);
    for (const form of formsOf(secret)) {
      for (const [place, plant] of Object.entries(places)) {
        const undo = plant(form);
        const found = play.leaks();
        undo();
        expect([place, form, found.some((line) => line.includes(` is in ${place}`))]).toEqual([place, form, true]);
      }
    }
    delete github.scenario.secrets["CANARY"];
  });
});

describe("what is not known of GitHub, all of it otherwise", () => {
  const otherwise = Object.fromEntries(ASSUMPTIONS.map(({ name, values }) => [name, values[1]]));
  const play = openPlay({
    world: ({ github }) => void Object.assign(github.assumptions, otherwise),
    keepsOwnCode: true,
  });

  it("takes a release to prod, and nothing of a branch anywhere", async () => {
    await merged(play, "first");
    expectRun(await play.promote()).toSucceed(DEV, "approve-to-prod / promote");
    const digests = new Set(TIERS.map((tier) => play.ledger(tier).release.digest));
    expect(digests.size).toBe(1);

    // the environment's rule does not hold this branch back: the gate must
    play.stage.commit("mine", "A branch of mine", "octocat", (path) =>
      edit(path("src/models/train.py"), (text) => `${text}\n# mine\n`),
    );
    const mark = play.mark();
    const run = await play.promote({ event: "workflow_dispatch", ref: "mine" });
    expectRun(run).toStopAt(DEV, "gate/commit-off-branch", "gate/path-off-branch");
    expect(mark.writes()).toEqual([]);
  });
});
