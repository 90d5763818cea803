/**
 * A foreign client: the Databricks CLI takes the simulator for a workspace. Where the two disagree, the facts decide.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DatabricksSimulator } from "../../../simulator/databricks/server.ts";
import { CLI, type Cli, cliOf } from "../../cli.ts";
import { CATALOG_KINDS, EVERY_KIND_FILES } from "./bundles.ts";
import { closeAll, DEV_ID, scenario, start } from "./harness.ts";

const BUNDLE = `
bundle: { name: clitest }
targets:
  dev:
    default: true
    mode: production
    workspace:
      root_path: /Workspace/Users/\${workspace.current_user.userName}/.bundle/clitest/dev
resources:
  jobs:
    score:
      name: score
      schedule: { quartz_cron_expression: "0 0 3 * * ?", timezone_id: UTC, pause_status: PAUSED }
      tasks:
        - task_key: score
          depends_on: [{ task_key: ingest }]
          notebook_task: { notebook_path: ./src/score.py }
        - task_key: ingest
          pipeline_task: { pipeline_id: "\${resources.pipelines.ingest.id}" }
      permissions: [{ level: CAN_VIEW, group_name: users }]
  pipelines:
    ingest:
      name: ingest
      catalog: dev
      schema: bronze
      serverless: true
      libraries: [{ file: { path: ./src/ingest.sql } }]
`;

const FILES = {
  "databricks.yml": BUNDLE,
  "src/score.py": "# Databricks notebook source\nprint(1)\n",
  "src/ingest.sql": "SELECT 1\n",
};

describe.skipIf(CLI === undefined)("the Databricks CLI", () => {
  let simulator: DatabricksSimulator;
  const clients: Cli[] = [];

  /** A client of the workspace with the files of a bundle. */
  const client = (
    files: Readonly<Record<string, string | Uint8Array>>,
    variables: Record<string, string> = {},
  ): Cli => {
    const cli = cliOf(simulator, { files, variables });
    clients.push(cli);
    return cli;
  };
  /** Writes to jobs and pipelines while something is done; the root folder's permissions the CLI writes every time. */
  const writesOf = async (action: () => Promise<unknown>): Promise<string[]> => {
    const before = simulator.requests.length;
    await action();
    return simulator.requests
      .slice(before)
      .filter(({ method, path }) => method !== "GET" && /\/(jobs|pipelines)\b/.test(path))
      .map(({ method, path }) => `${method} ${path}`);
  };

  beforeAll(async () => {
    simulator = await start(
      scenario({
        groups: { "four-tier-readers": { members: ["mona@example.com"] } },
        catalogs: {
          dev: {
            owner: "ml-pipelines-dev",
            grants: { "mona@example.com": ["USE_CATALOG"] },
            schemas: {
              bronze: { tables: { events: {} }, grants: { "ml-pipelines-dev": ["SELECT"] } },
              gold: {},
            },
          },
        },
        files: { dev: { [`/Users/${DEV_ID}/notes/readme.md`]: "hello\n" } },
      }),
    );
  });

  afterAll(async () => {
    for (const cli of clients) cli.end();
    await closeAll();
  });

  it("signs in with client credentials and sees who it is and what there is", async () => {
    const { json, run } = client({});
    expect(await json("current-user", "me")).toMatchObject({ userName: DEV_ID });
    expect(await json("catalogs", "list")).toMatchObject([{ name: "dev" }]);
    expect(await json("schemas", "list", "dev")).toMatchObject([
      { name: "information_schema" },
      { name: "bronze" },
      { name: "gold" },
    ]);
    expect(await json("tables", "list", "dev", "bronze")).toMatchObject([{ full_name: "dev.bronze.events" }]);
    expect(await json("grants", "get", "catalog", "dev")).toMatchObject({
      privilege_assignments: [{ principal: "mona@example.com", privileges: ["USE_CATALOG"] }],
    });
    expect(await json("grants", "get-effective", "table", "dev.bronze.events")).toMatchObject({
      privilege_assignments: [
        {
          principal: DEV_ID,
          privileges: [{ privilege: "SELECT", inherited_from_type: "SCHEMA", inherited_from_name: "dev.bronze" }],
        },
      ],
    });
    expect(await json("workspace", "list", `/Users/${DEV_ID}/notes`)).toMatchObject([
      { path: `/Users/${DEV_ID}/notes/readme.md`, object_type: "FILE" },
    ]);
    expect(await run("workspace", "export", `/Users/${DEV_ID}/notes/readme.md`)).toBe("hello\n");
  });

  it("deploys a bundle, finds nothing to change the second time, and takes it away again", async () => {
    const { json, run } = client(FILES);
    expect(await json("bundle", "validate")).toMatchObject({ resources: { jobs: { score: { name: "score" } } } });
    await run("bundle", "deploy");
    const job = simulator.world.job("dev", "score");
    expect(await json("jobs", "list")).toMatchObject([{ settings: { name: "score" } }]);
    // the id survives as int64: the CLI finds the job by it
    expect(await json("bundle", "summary")).toMatchObject({ resources: { jobs: { score: { id: String(job.id) } } } });
    expect(await run("jobs", "get", String(job.id), "-o", "json")).toContain(`"job_id": ${job.id}`);

    expect(await writesOf(() => run("bundle", "deploy"))).toEqual([]);

    await run("bundle", "destroy", "--auto-approve");
    expect(simulator.world.picture("dev")).toEqual([]);
    expect(simulator.world.files("dev", `/Users/${DEV_ID}/.bundle`)).toEqual([]);
  });

  it("deploys the example with its wheel, and plans nothing after it", { timeout: 60_000 }, async () => {
    const { json, run, folder } = client(filesBelow("examples/ml-pipelines"), {
      catalog: "dev",
      source_catalog: "dev",
      tier: "dev",
    });
    execFileSync("sh", ["tools/build-wheel.sh"], { cwd: folder, stdio: "pipe" });
    const planned = await json("bundle", "plan", "--target", "dev");
    expect(actions(planned)).toEqual(expect.arrayContaining(["resources.jobs.score create"]));
    await run("bundle", "deploy", "--target", "dev");
    const { jobs, pipelines } = ((await json("bundle", "summary", "--target", "dev")) as unknown as Summary).resources;
    for (const [name, { id }] of Object.entries(jobs)) {
      expect(await json("jobs", "get", id)).toMatchObject({ settings: { name: `churn ${name.replace("_", " ")}` } });
    }
    expect(
      Object.values(pipelines)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(
      simulator.world
        .pipelines("dev")
        .map(({ id }) => id)
        .sort(),
    );
    for (const { id, spec } of simulator.world.pipelines("dev")) {
      expect(await json("pipelines", "get", id)).toMatchObject({ pipeline_id: id, spec: { name: spec["name"] } });
    }
    expect(await json("pipelines", "list-pipelines")).toHaveLength(2);
    const score = simulator.world.job("dev", "churn score").settings;
    const wheel = /\/Workspace\S*\.whl/.exec(JSON.stringify(score["environments"]))?.[0].replace(/".*/, "") ?? "";
    expect(simulator.world.readFile("dev", wheel)).toEqual(
      readFileSync(join(folder, "dist/churn-0.3.0-py3-none-any.whl")),
    );
    expect(new Set(actions(await json("bundle", "plan", "--target", "dev")).map((line) => line.split(" ")[1]))).toEqual(
      new Set(["skip"]),
    );
    expect(await writesOf(() => run("bundle", "deploy", "--target", "dev"))).toEqual([]);
    await run("bundle", "destroy", "--target", "dev", "--auto-approve");
    expect(simulator.world.picture("dev")).toEqual([]);
  });

  it("deploys the example from a developer's machine into the sandbox that is named", { timeout: 60_000 }, async () => {
    const { json, run, folder } = client(filesBelow("examples/ml-pipelines"));
    execFileSync("sh", ["tools/build-wheel.sh"], { cwd: folder, stdio: "pipe" });
    const mine = ["--target", "mine", "--var", "catalog=octocat_sandbox"];
    await run("bundle", "deploy", ...mine);
    const { pipelines } = ((await json("bundle", "summary", ...mine)) as unknown as Summary).resources;
    expect(Object.keys(pipelines).sort()).toEqual(["features", "ingest"]);
    for (const { spec } of simulator.world.pipelines("dev")) {
      expect(spec).toMatchObject({ catalog: "octocat_sandbox" });
      expect(spec["name"]).toMatch(/^\[dev \S+\] churn /);
    }
    expect(JSON.stringify(simulator.world.pipelines("dev").map(({ spec }) => spec))).toContain("dev.silver");
    const jobs = simulator.world.picture("dev").filter(({ kind }) => kind === "job");
    expect(jobs.map(({ starts, paused }) => starts === undefined || paused)).toEqual(jobs.map(() => true));
    expect(jobs.filter(({ starts }) => starts !== undefined).length).toBeGreaterThan(2);
    for (const { name } of jobs) expect(name).toMatch(/^\[dev \S+\] churn /);
    const score = jobs.find(({ name }) => name.endsWith("churn score"))?.name ?? "";
    expect(simulator.world.job("dev", score).settings["parameters"]).toEqual([
      { name: "catalog", default: "octocat_sandbox" },
    ]);
    await run("bundle", "destroy", ...mine, "--auto-approve");
    expect(simulator.world.picture("dev")).toEqual([]);
  });

  it("deploys a job with a task of every kind, and finds it as it left it", { timeout: 60_000 }, async () => {
    const { json, run } = client(EVERY_KIND_FILES);
    await run("bundle", "deploy");
    const { id } = simulator.world.job("dev", "kinds");
    const { settings } = (await json("jobs", "get", String(id))) as { settings: { tasks: Record<string, unknown>[] } };
    const kinds = settings.tasks.map((task) => Object.keys(task).find((key) => key.endsWith("_task")) ?? "none");
    expect(kinds).not.toContain("none");
    expect(new Set(kinds).size).toBe(11);
    expect(await writesOf(() => run("bundle", "deploy"))).toEqual([]);
    await run("bundle", "destroy", "--auto-approve");
  });

  it("deploys schemas, volumes, models and experiments with their grants, and finds them as it left them", async () => {
    const { json, run } = client({
      "databricks.yml": CATALOG_KINDS,
      "src/notebook.py": "# Databricks notebook source\nprint(1)\n",
    });
    await run("bundle", "deploy");
    expect(await json("schemas", "get", "dev.served")).toMatchObject({ comment: "What is served" });
    expect(await json("volumes", "read", "dev.served.files")).toMatchObject({ volume_type: "MANAGED" });
    expect(await json("registered-models", "get", "dev.served.churn")).toMatchObject({ comment: "Who leaves" });
    for (const [name, privileges] of [
      ["dev.served", ["SELECT", "USE_SCHEMA"]],
      ["dev.served.files", ["READ_VOLUME"]],
      ["dev.served.churn", ["EXECUTE"]],
    ] as const) {
      expect(simulator.world.grants(name)).toEqual({ "four-tier-readers": privileges });
    }
    const experiment = simulator.world.workspace("dev").experiments.all.at(-1);
    const job = simulator.world.job("dev", "train").settings;
    expect(JSON.stringify(job["tasks"])).toContain(`"experiment":"${experiment?.id}","model":"dev.served.churn"`);
    const plan = actions(await json("bundle", "plan"));
    expect(new Set(plan.map((line) => line.split(" ")[1]))).toEqual(new Set(["skip"]));
    await run("bundle", "destroy", "--auto-approve");
    expect(simulator.world.securable("dev").children.size).toBe(3);
    expect(experiment?.stage).toBe("deleted");
  });

  it("plans and deploys again after somebody deleted a job by hand", async () => {
    const { json, run } = client(FILES);
    await run("bundle", "deploy");
    const { id } = simulator.world.job("dev", "score");
    await run("jobs", "delete", String(id));
    expect(actions(await json("bundle", "plan"))).toContain("resources.jobs.score create");
    await run("bundle", "deploy");
    expect(simulator.world.job("dev", "score").id).not.toBe(id);
    await run("bundle", "destroy", "--auto-approve");
  });

  it("runs a pipeline of a bundle to its end, by its events", async () => {
    const { run } = client(FILES);
    await run("bundle", "deploy");
    const { id } = simulator.world.pipeline("dev", "ingest");
    await run("bundle", "run", "ingest");
    expect(simulator.world.pipeline("dev", id).updates.map(({ state }) => state)).toEqual(["COMPLETED"]);
    await run("bundle", "destroy", "--auto-approve");
  });

  it("runs a job to its end", async () => {
    const { id } = simulator.world.createJob("dev", "ml-pipelines-dev", {
      name: "smoke",
      tasks: [{ task_key: "a", notebook_task: { notebook_path: "/a" } }],
    });
    const { json } = client({});
    expect(await json("jobs", "run-now", String(id))).toMatchObject({ state: { result_state: "SUCCESS" } });
  });

  it("is told what is wrong, as the service tells it", async () => {
    const { json } = client({});
    await expect(json("jobs", "get", "42")).rejects.toThrow("Job 42 does not exist.");
    await expect(json("tables", "list", "dev", "gone")).rejects.toThrow(/does not exist/);
  });

  it("asked for nothing that is not modelled", () => {
    expect(simulator.unmodelled).toEqual([]);
  });
});

interface Summary {
  readonly resources: Record<"jobs" | "pipelines", Record<string, { id: string }>>;
}

/** `resources.jobs.score create`, sorted. */
function actions(plan: unknown): string[] {
  const entries = Object.entries((plan as { plan: Record<string, { action: string }> }).plan);
  return entries.map(([key, { action }]) => `${key} ${action}`).sort();
}

/** What lies in a folder of this repository. */
function filesBelow(folder: string): Record<string, Uint8Array> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = paths.filter((path) => statSync(join(folder, path)).isFile() && !path.startsWith("dist"));
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path))]));
}
