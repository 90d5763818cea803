/** A hold on prod's schedules, made and lifted by the built action in a run of its own, with deploys between. */
import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { PROD } from "./jobs.ts";
import { openPlay } from "./play.ts";

/** What somebody on call starts; the step after it carries what was done in its name. */
const caller = (suite: string): string => `name: on-call
on:
  workflow_dispatch:
    inputs:
      mode: { type: string, required: true }
      selector: { type: string, default: "" }
permissions: {}
jobs:
  operate:
    name: operate
    runs-on: ubuntu-24.04
    environment: { name: prod, deployment: false }
    permissions: { contents: read, id-token: write, deployments: write, actions: read }
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd
        with: { fetch-depth: 0, persist-credentials: false }
      - id: operate
        uses: four-tier/four-tier/action-pause-pipelines@${suite}
        with:
          mode: \${{ inputs.mode }}
          tier: prod
          selector: \${{ inputs.selector }}
          reason: incident 7
          allowed-hosts: \${{ vars.FOUR_TIER_ALLOWED_HOSTS }}
      - name: \${{ steps.operate.outputs.statement }}
        uses: four-tier/four-tier/action-pause-pipelines@${suite}
        with: { mode: check, tier: prod, allowed-hosts: "\${{ vars.FOUR_TIER_ALLOWED_HOSTS }}" }
`;

describe("an incident in prod", () => {
  const play = openPlay();
  let before: Record<string, unknown> = {};

  const operate = (inputs: Record<string, string>): Promise<RunResult> =>
    play.dispatch("on-call", { event: "workflow_dispatch", actor: "octocat", inputs });
  /** Whether each job and pipeline of prod starts by itself, by key. */
  const states = (): Record<string, unknown> =>
    Object.fromEntries(
      [...play.resources("prod")].map(([key, { settings }]) => {
        const starters = ["schedule", "continuous", "trigger"].flatMap((field) => settings[field] ?? []);
        return [key, key.startsWith("pipelines.") ? settings["continuous"] : JSON.stringify(starters)];
      }),
    );
  const running = (): string[] =>
    Object.entries(states()).flatMap(([key, state]) =>
      String(state).includes("UNPAUSED") || state === true ? [key] : [],
    );
  const records = () =>
    play.stage.github.world.deployments
      .filter(({ task }) => task === "four-tier-operation")
      .map(({ payload }) => payload as Record<string, unknown>);

  beforeAll(async () => {
    await play.merge("first", "The first release", (path) => {
      edit(path("README.md"), (text) => `${text}\n`);
      writeFileSync(path(".github/workflows/on-call.yml"), caller(play.stage.suiteCommit));
    });
    expectRun(await play.promote()).toSucceed(PROD);
    before = states();
  });

  it("is held: everything stands still, is recorded, and the job says so in the name of a step", async () => {
    expect(running()).not.toEqual([]);
    const run = await operate({ mode: "hold", selector: "all" });
    expectRun(run).toSucceed("operate");
    expect(running()).toEqual([]);
    expect(records()).toMatchObject([
      {
        kind: "hold",
        hold: "schedules",
        tier: "prod",
        selector: "all",
        reason: "incident 7",
        by: "octocat",
        until: null,
      },
    ]);
    expect(jobOf(run, "operate").steps.map(({ name }) => name)).toContain("Hold prod, schedules of all");
  });

  it("stays held through a deploy of changed jobs, which says so and whose plan does not notice", async () => {
    await play.merge("clock", "Score an hour later", (path) =>
      edit(path("resources/models.yml"), (text) => text.replace("0 30 6 * * ?", "0 30 7 * * ?")),
    );
    const run = await play.promote();
    expectRun(run).toSucceed("approve-to-prod / brief-live", PROD);
    expect(running()).toEqual([]);
    expect(String(states()["jobs.score"])).toContain("0 30 7 * * ?");
    expect(textOf(run, PROD)).toContain("jobs.score stays paused in prod: held by octocat");
    expect(textOf(run, "approve-to-prod / brief-live")).not.toContain("pause_status");
    expect(textOf(run, "approve-to-prod / brief-live")).not.toContain("Changed by hand");
  });

  it("looks clean to the scheduled checks", async () => {
    const run = await play.dispatch("drift", { event: "workflow_dispatch", actor: "octocat" });
    expectRun(run).toSucceed("drift / prod", "drift / report");
  });

  it("is over: what ran runs again, by the clock that was deployed meanwhile", async () => {
    expectRun(await operate({ mode: "resume" })).toSucceed("operate");
    const score = String(before["jobs.score"]).replace("0 30 6 * * ?", "0 30 7 * * ?");
    expect(states()).toEqual({ ...before, "jobs.score": score });
    expect(records().map(({ kind }) => kind)).toEqual(["hold", "resume"]);
  });
});
