/**
 * Bundles that were not written for us: promoted by us into one simulated workspace and deployed by the Databricks CLI
 * into another, they make the same jobs and pipelines; and after each change of the bundle they do so again.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { APPLICATION, startAccount } from "../account.ts";
import { CLI, type Cli, cliOf } from "../cli.ts";
import { type ForeignBundle, LAKEFLOW, ML, PYTHON, SQL } from "./foreign-bundles.ts";
import type { ActionRun } from "./harness.ts";
import { live } from "./live.ts";
import { ownCatalog } from "./policy.ts";
import { type Project, project, titles } from "./project.ts";

const PEOPLE = {
  users: { "mona@example.com": { display_name: "Mona" }, "rob@example.com": {} },
  groups: {
    "data-scientists": { members: ["mona@example.com"] },
    "metastore-admins": { members: ["rob@example.com"] },
  },
};
const DEV = { tier: "dev", mode: "promote" };

interface Change {
  readonly says: string;
  /** File, text in it, text in its place; no text: a new file. */
  readonly edits: readonly (readonly [file: string, from: string | undefined, to: string])[];
  /** What is allowed to be deleted, in the contract. */
  readonly destructive?: string;
  /** By key, `action class` of everything that changes. */
  readonly plan: Readonly<Record<string, string>>;
}

interface Both {
  readonly ours: Project;
  readonly promote: () => Promise<ActionRun>;
  /** What a pull request is told, of every tier. */
  readonly plan: () => Promise<ActionRun>;
  /** Writes to jobs, pipelines, permissions and files since it was last asked. */
  readonly writes: () => string[];
  /** Compares what lives here with what the CLI makes of the same files; says nothing where there is no CLI. */
  readonly compare: () => Promise<void>;
  readonly change: (change: Change) => Promise<void>;
}

/** How often what lives here was compared with what the CLI makes. */
let compared = 0;

/** Our project and the CLI's, side by side. */
async function both(bundle: ForeignBundle): Promise<Both> {
  const ours = await project({ files: bundle.files, contract: bundle.contract, databricks: PEOPLE });
  const folder = mkdtempSync(join(tmpdir(), "four-tier-wheels-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const wheels = bundle.wheel === undefined ? {} : { [bundle.wheel]: "PK a wheel" };
  mkdirSync(join(folder, "wheels"));
  for (const [path, content] of Object.entries(wheels)) writeFileSync(join(folder, "wheels", basename(path)), content);
  const artifacts = bundle.wheel === undefined ? {} : { artifacts: join(folder, "wheels") };
  let cli: Cli | undefined;
  const theirs = await startAccount({ catalogs: { dev: ownCatalog("dev") }, ...PEOPLE });
  if (CLI !== undefined) {
    const { root, variables, files } = bundle;
    cli = cliOf(theirs.simulator, { files: { ...files, ...wheels }, root, variables });
    onTestFinished(cli.end);
  }
  const files = new Map(Object.entries(bundle.files));
  let seen = 0;
  return {
    ours,
    promote: () => ours.run({ ...DEV, bundle: bundle.root || ".", ...artifacts }),
    plan: () => ours.run({ mode: "plan", tier: "all", bundle: bundle.root || ".", ...artifacts }),
    writes: () => {
      const all = ours.account.writes();
      const since = all.slice(seen);
      seen = all.length;
      return since;
    },
    compare: async () => {
      if (cli === undefined) return;
      await cli.run("bundle", "deploy", "--target", "dev", "--auto-approve");
      expect(theirs.simulator.unmodelled).toEqual([]);
      expect(live(ours.account.simulator, "dev")).toEqual(live(theirs.simulator, "dev"));
      compared += 1;
    },
    change: async ({ edits, destructive }) => {
      const changed: Record<string, string> = {};
      for (const [file, from, to] of edits) {
        const before = files.get(file) ?? "";
        if (from !== undefined && !before.includes(from)) throw new Error(`${file} does not say ${from}`);
        const after = from === undefined ? to : before.replace(from, () => to);
        files.set(file, after);
        changed[file] = after;
      }
      cli?.write(changed);
      const contract = ours.account.contractText.replace("dev: {", `dev: { destructive: [${destructive ?? ""}],`);
      await ours.merge({ ...changed, "four-tier.yml": contract });
    },
  };
}

function planOf(run: ActionRun): Record<string, string> {
  const { plan } = run.report as { plan: { changes: { key: string; action: string; class: string }[] } };
  return Object.fromEntries(
    plan.changes
      .filter(({ action }) => action !== "none")
      .map((change) => [change.key, `${change.action} ${change.class}`]),
  );
}

const ETL = "resources/etl.pipeline.yml";
const DAILY = "resources/daily.job.yml";
const SALES = "warehouse/resources/sql.yml";
const LAKE = "databricks.yml";
const TRAIN = "ml/resources/train.yml";
const SCORE = "ml/resources/score.yml";

const CASES: readonly { name: string; bundle: ForeignBundle; changes: readonly Change[] }[] = [
  {
    name: "a Python project with a wheel, a notebook and a pipeline",
    bundle: PYTHON,
    changes: [
      {
        says: "a dependency of the environment",
        edits: [[DAILY, "pandas==2.2.3", "pandas==2.3.0"]],
        plan: { "jobs.daily": "update next-run" },
      },
      {
        says: "parameters of the pipeline",
        edits: [[ETL, "parameters: { region: eu }", "parameters: { region: us, depth: 3 }"]],
        plan: { "pipelines.orders_etl": "update next-run" },
      },
      {
        says: "no parameters of the pipeline any more, and no recipients",
        edits: [
          [ETL, "      parameters: { region: us, depth: 3 }\n", ""],
          [ETL, "[data@example.com]", "[etl@example.com]"],
        ],
        plan: { "pipelines.orders_etl": "update next-run" },
      },
      {
        says: "a file of the pipeline",
        edits: [["src/orders_etl/transformations/more.py", undefined, "import dlt\n"]],
        plan: { "jobs.daily": "update re-point", "pipelines.orders_etl": "update re-point" },
      },
    ],
  },
  {
    name: "SQL and dbt on a warehouse, in a folder of the repository",
    bundle: SQL,
    changes: [
      {
        says: "a schedule and a name",
        edits: [
          [SALES, "0 0 4 * * ?", "0 30 5 * * ?"],
          [SALES, "name: sales dbt", "name: sales models"],
        ],
        plan: { "jobs.sql": "update next-run", "jobs.dbt": "update metadata" },
      },
      {
        says: "who may see and run it",
        edits: [[SALES, "user_name: mona@example.com", "user_name: rob@example.com"]],
        plan: { "jobs.dbt": "update metadata" },
      },
      {
        says: "a job that is gone",
        edits: [[SALES, SQL.files[SALES]?.slice(SQL.files[SALES].indexOf("    all:")) ?? "", ""]],
        destructive: "jobs.all",
        plan: { "jobs.all": "delete deletes" },
      },
    ],
  },
  {
    name: "pipelines of many sources with an anchor in common",
    bundle: LAKEFLOW,
    changes: [
      {
        says: "a file that a pattern takes in",
        edits: [["pipelines/bronze/more/c.sql", undefined, "select 3\n"]],
        plan: { "pipelines.bronze": "update re-point" },
      },
      {
        says: "a library and a tag",
        edits: [
          [
            LAKE,
            "        - glob: { include: pipelines/silver/** }\n",
            "        - glob: { include: pipelines/silver/** }\n        - notebook: { path: pipelines/extra.py }\n",
          ],
          ["pipelines/extra.py", undefined, "# Databricks notebook source\n"],
          [LAKE, "tags: { layer: bronze }", "tags: { layer: raw }"],
        ],
        plan: { "pipelines.bronze": "update re-point", "pipelines.silver": "update re-point" },
      },
      {
        says: "the compute of all, and another schema",
        edits: [
          [LAKE, "  photon: true\n", ""],
          [LAKE, "      schema: silver", "      schema: silver2"],
        ],
        destructive: "pipelines.silver",
        plan: { "pipelines.bronze": "update next-run", "pipelines.silver": "update data-losing" },
      },
    ],
  },
  {
    name: "training, scoring for each region, watching",
    bundle: ML,
    changes: [
      {
        says: "a task",
        edits: [
          [
            TRAIN,
            "      environments:",
            `        - task_key: Tell
          depends_on: [{ task_key: Deploy }]
          run_if: ALL_DONE
          run_job_task: { job_id: "\${resources.jobs.watch.id}" }
      environments:`,
          ],
        ],
        plan: { "jobs.train": "update next-run" },
      },
      {
        says: "a job that is new, and code of one component",
        edits: [
          [
            SCORE,
            "    watch:\n",
            "    again:\n      name: forecast-again\n      tasks: [{ task_key: a, notebook_task: { notebook_path: ../training/train.py } }]\n    watch:\n",
          ],
          ["ml/scoring/score.py", undefined, "# Databricks notebook source\nprint('better')\n"],
        ],
        plan: { "jobs.again": "create next-run", "jobs.score": "update re-point", "jobs.watch": "update re-point" },
      },
      {
        says: "no description of a concurrency, a trigger instead of a schedule",
        edits: [
          [SCORE, "            concurrency: 2\n", ""],
          [
            TRAIN,
            'schedule: { quartz_cron_expression: "0 0 9 * * ?", timezone_id: UTC }',
            "trigger: { periodic: { interval: 2, unit: WEEKS } }",
          ],
        ],
        plan: { "jobs.score": "update next-run", "jobs.train": "update next-run" },
      },
    ],
  },
];

test.each(CASES)("$name", { timeout: 120_000 }, async ({ bundle, changes }) => {
  const pair = await both(bundle);
  const everywhere = await pair.plan();
  expect(titles(everywhere)).toEqual([]);
  const first = await pair.promote();
  expect(titles(first)).toEqual([]);
  expect(first.exitCode).toBe(0);
  expect(pair.writes().length).toBeGreaterThan(0);
  const folder = `/Users/${APPLICATION.dev}/.four-tier/ml-pipelines/dev/`;
  const { world } = pair.ours.account.simulator;
  const files = world.files("dev");
  expect(files.filter((path) => !path.startsWith(folder))).toEqual([]);
  // the contract decides what is deployed, and is not itself
  expect(files.filter((path) => path.includes("four-tier.yml"))).toEqual([]);
  const second = await pair.promote();
  expect(titles(second)).toEqual([]);
  expect(second.outputs).toMatchObject({ changed: "false" });
  expect(pair.writes()).toEqual([]);
  await pair.compare();

  for (const change of changes) {
    await pair.change(change);
    const run = await pair.promote();
    expect({ change: change.says, refused: titles(run), plan: planOf(run) }).toEqual({
      change: change.says,
      refused: [],
      plan: change.plan,
    });
    await pair.compare();
    pair.writes();
    const { changed } = (await pair.promote()).outputs;
    expect({ change: change.says, changed, writes: pair.writes() }).toEqual({
      change: change.says,
      changed: "false",
      writes: [],
    });
  }
});

test.skipIf(CLI === undefined)("each was compared with what the CLI makes, first and after each change", () => {
  expect(compared).toBe(CASES.reduce((sum, { changes }) => sum + 1 + changes.length, 0));
});
