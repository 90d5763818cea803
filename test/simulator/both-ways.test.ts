/**
 * What is not known of Databricks, both ways: every position of every behaviour (the schema says which there are) under
 * the whole of what our code does. None may change what is promoted, proved or paused. Where each is met is in
 * both-ways-met.test.ts.
 */
import { describe, expect, it, onTestFinished } from "vitest";
import { BEHAVIOURS } from "../../simulator/databricks/behaviours.ts";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { isFailure } from "../../src/findings.ts";
import { tierProof } from "../../src/grants.ts";
import { matchSchedules } from "../../src/schedules.ts";
import { type Account, startAccount } from "../account.ts";
import { scene } from "../promotion.ts";
import { QUIET } from "../run.ts";
import { optionsFor } from "../schedules/tier.ts";

type Set = NonNullable<DatabricksScenario["behaviours"]>;
const now = new Date("2027-01-15T12:00:00Z");

/** Positions that must change what comes of it, since something is then refused or not known: both-ways-met.test.ts. */
const CHANGES = [
  "me_user_name",
  "org_id_header",
  "exported_notebook",
  "catalog_owner_reads",
  "alerts_listed",
  "users_listed",
  "update_ends_loop",
  "trigger_state_shown",
];
/** Each of these is met in a scene of its own in both-ways-met.test.ts; here all are turned at once. */
const TOGETHER = [
  "listed_starters",
  "python_cache",
  "table_update_condition",
  "experiment_tag_search",
  "deleted_experiment_path",
  "browse_shows_marks",
  "cancelled_loop_restarts",
  "stopped_pipeline_starts",
  "retried_update",
  "run_now_on_paused_schedule",
  "no_monitor",
  "hidden_folder",
  "not_empty",
  "forced_drop",
  "revoked_with_all",
  "grants_changed",
  "request_id_header",
];
const other = (names: readonly string[]): Set =>
  Object.fromEntries(BEHAVIOURS.flatMap(({ name, values }) => (names.includes(name) ? [[name, values[1]]] : [])));

const positions = [
  ...BEHAVIOURS.filter(({ name }) => !CHANGES.includes(name) && !TOGETHER.includes(name)).flatMap(({ name, values }) =>
    values.slice(1).map((value) => ({ position: `${name}: ${value}`, behaviours: { [name]: value } as Set })),
  ),
  { position: `${TOGETHER.length} more at once`, behaviours: other(TOGETHER) },
];

async function account(behaviours: Set, more: Partial<DatabricksScenario> = {}): Promise<Account> {
  const started = await startAccount({ behaviours, ...more });
  onTestFinished(() => expect(started.simulator.unmodelled).toEqual([]));
  return started;
}

describe.each(positions)("with $position", ({ behaviours }) => {
  it("a promotion deploys, then finds nothing to do, then moves one thing", async () => {
    const dev = await scene("dev", { behaviours });
    const promoted = async () => {
      const { result, writes } = await dev.promote();
      expect(result.findings.filter(isFailure)).toEqual([]);
      return writes;
    };
    await promoted();
    expect(await promoted()).toEqual([]);
    dev.change({ "src/data/ingest.sql": "select 2\n" });
    expect((await promoted()).filter((write) => /\/(jobs|pipelines)\b/.test(write))).toEqual([
      expect.stringMatching(/^PUT \/api\/2\.0\/pipelines\//),
    ]);
  });

  it("a clean catalog is proved, and a stray grant is found", async () => {
    const owner = "ml-pipelines-prod";
    const catalog = (grants: Record<string, string[]>): Partial<DatabricksScenario> => ({
      catalogs: {
        prod: {
          owner,
          isolation: "ISOLATED",
          bindings: { prod: "READ_WRITE" },
          schemas: { gold: { tables: { scores: { grants } }, volumes: { files: {} } } },
        },
      },
    });
    const prove = async (grants: Record<string, string[]>) => {
      const estate = await account(behaviours, catalog(grants));
      const { findings } = await tierProof(estate.connect("prod"), estate.contract, estate.tier("prod"), now);
      return findings.map(({ severity, id }) => `${severity} ${id}`);
    };
    expect(await prove({})).toEqual([]);
    expect(await prove({ "mona@example.com": ["SELECT"] })).toEqual(["error grants/unnamed-principal"]);
  });

  it("what starts by itself outside prod is paused, once", async () => {
    const tags = (key: string) => ({
      four_tier_project: "ml-pipelines",
      four_tier_tier: "staging",
      four_tier_key: key,
    });
    const schedule = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC", pause_status: "UNPAUSED" };
    const owner = "ml-pipelines-staging";
    const tasks = [{ task_key: "run", notebook_task: { notebook_path: "/a" } }];
    const estate = await account(behaviours, {
      jobs: {
        staging: [
          { owner, settings: { name: "nightly", tags: tags("jobs.nightly"), tasks, schedule } },
          {
            owner,
            settings: { name: "always", tags: tags("jobs.always"), tasks, continuous: { pause_status: "UNPAUSED" } },
          },
        ],
      },
      pipelines: {
        staging: [
          {
            owner,
            spec: {
              name: "stream",
              tags: tags("pipelines.stream"),
              catalog: "staging",
              schema: "gold",
              continuous: true,
            },
          },
        ],
      },
    });
    const enforce = () =>
      matchSchedules(
        estate.connect("staging"),
        estate.tier("staging"),
        { mode: "enforce", ...optionsFor(estate, "staging"), patience: { timeoutMs: 2_000, everyMs: 5 } },
        QUIET,
      );
    expect((await enforce()).findings).toEqual([]);
    const { world } = estate.simulator;
    expect(world.job("staging", "nightly").settings).toMatchObject({ schedule: { pause_status: "PAUSED" } });
    expect(world.job("staging", "always").settings).toMatchObject({ continuous: { pause_status: "PAUSED" } });
    expect(world.pipeline("staging", "stream").spec["continuous"]).toBe(false);
    expect(world.picture("staging").find(({ name }) => name === "stream")?.activeRuns).toBe(0);
    const written = estate.writes().length;
    expect((await enforce()).findings).toEqual([]);
    expect(estate.writes()).toHaveLength(written);
  });
});
