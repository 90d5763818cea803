/**
 * A foreign client: the Databricks CLI takes the simulator for a workspace. Where the two disagree, the facts decide.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DatabricksSimulator } from "../../../simulator/databricks/server.ts";
import { closeAll, DEV_ID, scenario, start } from "./harness.ts";

const installed = spawnSync("databricks", ["--version"], { stdio: "ignore" }).status === 0;
if (!installed)
  console.log("skipped: the Databricks CLI is not on the PATH, so it was not tried against the simulator");

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

describe.skipIf(!installed)("the Databricks CLI", () => {
  let simulator: DatabricksSimulator;
  let dir = "";
  let databricks: (...args: string[]) => Promise<string>;

  beforeAll(async () => {
    simulator = await start(
      scenario({
        catalogs: {
          dev: {
            owner: "ml-pipelines-dev",
            grants: { "mona@example.com": ["USE_CATALOG"] },
            schemas: { bronze: { tables: { events: {} } } },
          },
        },
      }),
    );
    dir = mkdtempSync(join(tmpdir(), "four-tier-cli-"));
    mkdirSync(join(dir, "bundle/src"), { recursive: true });
    writeFileSync(join(dir, "bundle/databricks.yml"), BUNDLE);
    writeFileSync(join(dir, "bundle/src/score.py"), "# Databricks notebook source\nprint(1)\n");
    writeFileSync(join(dir, "bundle/src/ingest.sql"), "SELECT 1\n");
    const { clientId, clientSecret } = simulator.credentials("ml-pipelines-dev");
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      DATABRICKS_HOST: simulator.workspaces["dev"]?.url ?? "",
      DATABRICKS_CLIENT_ID: clientId,
      DATABRICKS_CLIENT_SECRET: clientSecret,
      DATABRICKS_BUNDLE_ENGINE: "direct",
      DATABRICKS_CLI_DISABLE_UPDATE_CHECK: "true",
      DATABRICKS_CACHE_ENABLED: "false",
      DATABRICKS_CONFIG_FILE: "/dev/null",
      GIT_CONFIG_GLOBAL: "/dev/null",
      NO_PROXY: "127.0.0.1",
    };
    databricks = async (...args) =>
      (await promisify(execFile)("databricks", args, { cwd: join(dir, "bundle"), env })).stdout;
  });

  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true });
    await closeAll();
  });

  const json = async (...args: string[]): Promise<unknown> => JSON.parse(await databricks(...args, "-o", "json"));

  it("signs in with client credentials and sees who it is and what there is", async () => {
    expect(await json("current-user", "me")).toMatchObject({ userName: DEV_ID });
    expect(await json("catalogs", "list")).toMatchObject([{ name: "dev" }]);
    expect(await json("schemas", "list", "dev")).toMatchObject([{ name: "information_schema" }, { name: "bronze" }]);
    expect(await json("tables", "list", "dev", "bronze")).toMatchObject([{ full_name: "dev.bronze.events" }]);
    expect(await json("grants", "get", "catalog", "dev")).toMatchObject({
      privilege_assignments: [{ principal: "mona@example.com", privileges: ["USE_CATALOG"] }],
    });
    expect(await json("grants", "get-effective", "schema", "dev.bronze")).toEqual({});
  });

  it("deploys a bundle, finds nothing to change the second time, and takes it away again", async () => {
    expect(await json("bundle", "validate")).toMatchObject({ resources: { jobs: { score: { name: "score" } } } });
    await databricks("bundle", "deploy");
    const job = simulator.world.job("dev", "score");
    expect(await json("jobs", "list")).toMatchObject([{ settings: { name: "score" } }]);
    // the id survives as int64: the CLI finds the job by it
    expect(await json("bundle", "summary")).toMatchObject({ resources: { jobs: { score: { id: String(job.id) } } } });
    expect(await databricks("jobs", "get", String(job.id), "-o", "json")).toContain(`"job_id": ${job.id}`);

    const before = simulator.requests.length;
    await databricks("bundle", "deploy");
    const writes = simulator.requests
      .slice(before)
      .filter(({ method, path }) => method !== "GET" && /\/(jobs|pipelines|permissions)\b/.test(path));
    expect(writes).toEqual([]);

    await databricks("bundle", "destroy", "--auto-approve");
    expect(simulator.world.picture("dev")).toEqual([]);
    expect(simulator.world.files("dev")).toEqual([]);
  });

  it("runs a job to its end", async () => {
    const { id } = simulator.world.createJob("dev", "ml-pipelines-dev", {
      name: "smoke",
      tasks: [{ task_key: "a", notebook_task: { notebook_path: "/a" } }],
    });
    const run = JSON.parse(await databricks("jobs", "run-now", String(id), "-o", "json")) as object;
    expect(run).toMatchObject({ state: { result_state: "SUCCESS" } });
  });

  it("asked for nothing that is not modelled", () => {
    expect(simulator.unmodelled).toEqual([]);
  });
});
