/**
 * What is not known of Databricks, where our code meets it. Every behaviour of the schema has an entry here: a scene in
 * which our code meets it, played in every position; the test of our code that plays it; or the reason why our code never
 * meets it, which is looked at, too.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BEHAVIOURS } from "../../simulator/databricks/behaviours.ts";
import type { DatabricksSimulator } from "../../simulator/databricks/server.ts";
import { mkdirs, writeFile } from "../../src/databricks/files.ts";
import { cancelRun, listRuns, runNow } from "../../src/databricks/jobs.ts";
import { getPipeline, startUpdate, updatePipeline } from "../../src/databricks/pipelines.ts";
import { connect } from "../../src/databricks/workspace.ts";
import { readCatalog } from "../../src/grants/read.ts";
import { policyPlaces, sqlContents } from "../../src/grants/read-sql.ts";
import { tierProof } from "../../src/grants.ts";
import { matchSchedules } from "../../src/schedules.ts";
import { failures, scene } from "../promotion.ts";
import { BUNDLE, FILES, IDS } from "../promotion-files.ts";
import { QUIET } from "../run.ts";
import { optionsFor } from "../schedules/tier.ts";
import { account, deploys, type Meetings, pipeline, promotes, type Turned, tasks, thrown } from "./meeting.ts";
import { OF_CATALOGS } from "./meetings-of-catalogs.ts";
import { OF_TIERS } from "./meetings-of-tiers.ts";
import { MET_BY } from "./met-by.ts";

/** The SQL reader finds a grant on an object, and does not take the catalog's for it. */
const readsBySql = async (behaviours: Turned): Promise<DatabricksSimulator> => {
  const owner = "ml-pipelines-prod";
  const tables = { scores: { owner, grants: { "mona@example.com": ["SELECT"] } }, other: { owner } };
  const prod = { owner, grants: { "mona@example.com": ["USE_CATALOG"] }, schemas: { gold: { owner, tables } } };
  const warehouses = { wh1: { workspace: "prod", users: [owner] } };
  const estate = await account({ behaviours, catalogs: { prod }, warehouses });
  const read = await readCatalog(estate.connect("prod"), "prod", { contents: sqlContents({ warehouseId: "wh1" }) });
  const grants = read.securables.map(({ name, grants }) => [name, grants.flatMap(({ privileges }) => privileges)]);
  expect(Object.fromEntries(grants)).toMatchObject({ "prod.gold.scores": ["SELECT"], "prod.gold.other": [] });
  return estate.simulator;
};

const MEETINGS: Meetings = {
  duplicate_pipeline_name: async (behaviours) => {
    // nobody showed it to us, so that only the service can refuse the second
    const hidden = { owner: "mona@example.com", spec: { name: "ingest", catalog: "dev", schema: "bronze" } };
    const dev = await scene("dev", { behaviours, pipelines: { dev: [hidden] } });
    const { result } = await dev.promote();
    expect(failures(result)).toContain("databricks/failed");
    expect(JSON.stringify(result.findings)).toContain("already used by another pipeline");
    expect(dev.world.pipelines("dev")).toHaveLength(1);
    return dev.simulator;
  },
  stale_last_modified: async (behaviours) => {
    const tags = { four_tier_project: "ml-pipelines", four_tier_tier: "dev", four_tier_key: "pipelines.p" };
    const running = { ...pipeline, spec: { ...pipeline.spec, tags, continuous: true } };
    const estate = await account({ behaviours, pipelines: { dev: [running] } });
    const { world } = estate.simulator;
    // somebody's hand between our look and our write
    estate.simulator.when({
      method: "PUT",
      path: "/api/2.0/pipelines/*",
      run: () => world.changePipeline("dev", "p", (spec) => void (spec["channel"] = "PREVIEW")),
    });
    const { findings } = await matchSchedules(
      estate.connect("dev"),
      estate.tier("dev"),
      { ...optionsFor(estate, "dev"), mode: "enforce" },
      QUIET,
    );
    expect(findings).toEqual([]);
    expect(world.pipeline("dev", "p").spec).toMatchObject({ continuous: false, channel: "PREVIEW" });
    return estate.simulator;
  },
  update_while_active: async (behaviours) => {
    const updates = [{ pipeline: "p", polls: "never" as const }];
    const estate = await account({ behaviours, pipelines: { dev: [pipeline] }, updates });
    const { id } = estate.simulator.world.pipeline("dev", "p");
    await startUpdate(estate.connect("dev"), id);
    await expect(startUpdate(estate.connect("dev"), id)).rejects.toMatchObject({ code: "RESOURCE_CONFLICT" });
    return estate.simulator;
  },
  edit_restarts_continuous: async (behaviours) => {
    const continuous = { ...pipeline, spec: { ...pipeline.spec, continuous: true } };
    const estate = await account({ behaviours, pipelines: { dev: [continuous] } });
    const { id } = estate.simulator.world.pipeline("dev", "p");
    const spec = (await getPipeline(estate.connect("dev"), id))?.spec ?? {};
    await updatePipeline(estate.connect("dev"), id, { ...spec, photon: true });
    expect(estate.simulator.world.picture("dev")[0]?.activeRuns).toBe(1);
    return estate.simulator;
  },
  run_now_on_paused_continuous: async (behaviours, value) => {
    const settings = { name: "j", tasks, continuous: { pause_status: "PAUSED" as const } };
    const estate = await account({
      behaviours,
      jobs: { dev: [{ owner: "ml-pipelines-dev", settings }] },
    });
    const jobId = String(estate.simulator.world.job("dev", "j").id);
    const run = await runNow(estate.connect("dev"), jobId, { idempotencyToken: "one" });
    await cancelRun(estate.connect("dev"), run);
    const active = [];
    for await (const one of listRuns(estate.connect("dev"), { jobId, activeOnly: true })) active.push(one.id);
    expect(active).toHaveLength(value === "kick-start" ? 1 : 0);
    return estate.simulator;
  },
  run_as_itself: async (behaviours, value) => {
    const permissions = [{ principal: "ml-pipelines-dev", level: "CAN_MANAGE" as const }];
    const settings = { name: "score", max_concurrent_runs: 1, tasks };
    const jobs = { dev: [{ id: "83", owner: "mona@example.com", settings, permissions }] };
    const dev = await scene("dev", { behaviours, jobs });
    dev.change({ "four-tier.yml": `${FILES["four-tier.yml"]}adopt: { dev: { jobs.score: "83" } }\n` });
    expect(failures((await dev.promote()).result).includes("release/run-as")).toBe(value === "denied");
    return dev.simulator;
  },
  reset_without_run_as: async (behaviours) => {
    const dev = await deploys(behaviours);
    // somebody says by hand what the service does anyway
    dev.world.changeJob("dev", "score", (settings) => void (settings["run_as"] = { service_principal_name: IDS.dev }));
    dev.change({ "databricks.yml": BUNDLE.replace("name: score\n", "name: score\n      description: again\n") });
    expect(failures((await dev.promote()).result)).toEqual([]);
    return dev.simulator;
  },
  parameters_left_out: async (behaviours, value) => {
    const dev = await deploys(behaviours);
    const ingest = () => dev.world.pipeline("dev", "ingest");
    Object.assign(ingest(), { parameters: { by: "hand" } });
    dev.change({ "src/data/ingest.sql": "select 2\n" });
    expect(failures((await dev.promote()).result)).toEqual([]);
    expect(ingest().parameters).toEqual(value === "kept" ? { by: "hand" } : undefined);
    return dev.simulator;
  },
  principals_listed: async (behaviours, value) => {
    const grants = { "ml-pipelines-dev": ["SELECT"] };
    const prod = { owner: "ml-pipelines-prod", grants, schemas: {} };
    const estate = await account({ behaviours, catalogs: { prod } });
    const { findings } = await tierProof(estate.connect("prod"), estate.contract, estate.tier("prod"), new Date());
    // dev's principal is a stranger to prod's workspace, or known by its name: found either way
    const id = value === "all" ? "grants/cross-tier" : "grants/unnamed-principal";
    expect(findings.filter(({ severity }) => severity === "error").map((finding) => finding.id)).toContain(id);
    return estate.simulator;
  },
  oauth_errors: async (behaviours) => {
    const { simulator } = await account({ behaviours });
    const credentials = { kind: "secret" as const, clientId: IDS.dev, clientSecret: "dose-wrong-secret" };
    const workspace = connect({ host: simulator.workspaces["dev"]?.url ?? "", credentials, log: QUIET });
    expect(await thrown(mkdirs(workspace, "/Workspace/a"))).toEqual(["auth/secret-refused"]);
    return simulator;
  },
  expires_in: promotes,
  unknown_acl_principal: async (behaviours) => {
    const dev = await scene("dev", { behaviours });
    const permissions = "permissions: [{ user_name: nobody@example.com, level: CAN_VIEW }]";
    dev.change({ "databricks.yml": BUNDLE.replace("name: score\n", `name: score\n      ${permissions}\n`) });
    const { result } = await dev.promote();
    expect(failures(result)).toContain("databricks/failed");
    expect(JSON.stringify(result.findings)).toContain("nobody@example.com");
    return dev.simulator;
  },
  deleted_permissions: "we ask for permissions only of what a list shows",
  update_id_filter: "we sort events by their update ourselves",
  owner_change: "we never give a job or pipeline to another owner",
  unassigned_principal: async (behaviours) => {
    const { simulator } = await account({ behaviours });
    const credentials = { kind: "secret" as const, ...simulator.credentials("ml-pipelines-dev") };
    const workspace = connect({ host: simulator.workspaces["prod"]?.url ?? "", credentials, log: QUIET });
    expect(await thrown(mkdirs(workspace, "/Workspace/a"))).toHaveLength(1);
    expect(simulator.world.files("prod", "/a")).toEqual([]);
    return simulator;
  },
  expired_token: async (behaviours) => {
    const dev = await scene("dev", { behaviours });
    dev.simulator.when({ method: "POST", path: "/api/2.2/jobs/create", run: () => dev.simulator.expireTokens() });
    expect(failures((await dev.promote()).result)).toEqual([]);
    expect(dev.world.jobs("dev")).toHaveLength(3);
    return dev.simulator;
  },
  grants_of_others: async (behaviours) => {
    const theirs = { owner: "rob@example.com", grants: { "ml-pipelines-prod": ["ALL_PRIVILEGES"] }, schemas: {} };
    const estate = await account({ behaviours, catalogs: { prod: theirs } });
    const { findings } = await tierProof(estate.connect("prod"), estate.contract, estate.tier("prod"), new Date());
    expect(findings.map(({ id }) => id)).toContain("grants/authority");
    return estate.simulator;
  },
  empty_pages: async (behaviours) => {
    const tables = { scores: { grants: { "mona@example.com": ["SELECT"] } } };
    const prod = { owner: "ml-pipelines-prod", schemas: { gold: { tables } } };
    const estate = await account({ behaviours, catalogs: { prod } });
    const { findings } = await tierProof(estate.connect("prod"), estate.contract, estate.tier("prod"), new Date());
    expect(findings.map(({ id }) => id)).toContain("grants/unnamed-principal");
    return estate.simulator;
  },
  host_metadata: promotes,
  workspace_paths: promotes,
  pipeline_ansi_default: promotes,
  file_over_notebook: async (behaviours, value) => {
    const path = `/Users/${IDS.dev}/there`;
    const files = { dev: { [path]: { content: "print(1)\n", notebook: "PYTHON" as const } } };
    const estate = await account({ behaviours, files });
    const ours = new TextEncoder().encode("ours");
    const outcome = await writeFile(estate.connect("dev"), path, ours, { overwrite: true }).catch(() => "refused");
    expect(outcome).toBe(value === "replace" ? "created" : "refused");
    expect(await writeFile(estate.connect("dev"), path, ours, { overwrite: false })).toBe("exists");
    return estate.simulator;
  },
  file_exists: async (behaviours) => {
    // somebody else's lock: neither taken over nor taken for a failure, whatever the refusal looks like
    const dev = await scene("dev", { behaviours });
    const folder = `/Users/${IDS.dev}/.four-tier/ml-pipelines/dev`;
    const lock = { run: "77", attempt: 1, job: "promote", token: "7e57", at: new Date().toISOString() };
    dev.world.writeFile("dev", `${folder}/lock.1`, JSON.stringify(lock));
    const path = `${folder}/lock.1`;
    const ours = new TextEncoder().encode("ours");
    expect(await writeFile(dev.connect(), path, ours, { overwrite: false })).toBe("exists");
    expect(Buffer.from(dev.world.readFile("dev", path) ?? []).toString()).toBe(JSON.stringify(lock));
    return dev.simulator;
  },
  catalog_properties: { played: "test/provision.test.ts" },
  securable_exists: { played: "test/provision.test.ts" },
  default_schema: { played: "test/provision.test.ts" },
  direct_grant_mark: (behaviours) => readsBySql(behaviours),
  policy_view: async (behaviours, value) => {
    const owner = "ml-pipelines-prod";
    const warehouses = { wh1: { workspace: "prod", users: [owner] } };
    const estate = await account({ behaviours, catalogs: { prod: { owner } }, warehouses });
    const workspace = estate.connect("prod");
    const { catalog } = await readCatalog(workspace, "prod", {});
    if (catalog === undefined) throw new Error("the catalog was not read");
    const places = policyPlaces({ workspace, catalog }, { warehouseId: "wh1" }).catch(() => "not there");
    // an empty list would say that there is none
    expect(await places).toEqual(value === "there" ? [] : "not there");
    return estate.simulator;
  },
  group_members_listed: async (behaviours) => {
    const groups = { readers: { members: ["mona@example.com"] }, "metastore-admins": { members: ["rob@example.com"] } };
    const prod = { owner: "ml-pipelines-prod", grants: { readers: ["USE_CATALOG"] }, schemas: {} };
    const estate = await account({ behaviours, groups, catalogs: { prod } });
    const { findings } = await tierProof(estate.connect("prod"), estate.contract, estate.tier("prod"), new Date());
    expect(findings.map(({ id }) => id)).toContain("grants/unnamed-principal");
    return estate.simulator;
  },
  ...OF_TIERS,
  ...OF_CATALOGS,
};

describe("what is not known of Databricks", () => {
  it("is met, or said not to be, entry by entry", () => {
    expect(Object.keys(MEETINGS).toSorted()).toEqual(BEHAVIOURS.map(({ name }) => name).toSorted());
  });

  const found = new Map<string, ReadonlySet<string>>();
  const positions = BEHAVIOURS.flatMap(({ name, values }) => {
    const meeting = MEETINGS[name];
    return typeof meeting === "function" ? values.map((value) => ({ name, value, meeting })) : [];
  });
  it.each(positions)("$name: $value is met by our code, and borne", async ({ name, value, meeting }) => {
    const { met } = await meeting({ [name]: value }, value);
    expect([...met.keys()]).toContain(name);
    found.set(name, new Set([...(found.get(name) ?? []), ...(met.get(name) ?? [])]));
  });

  it("is met by the routes that the table of what is modelled names", () => {
    const routes = Object.fromEntries([...found].map(([name, met]) => [name, [...met].toSorted()]));
    expect(MET_BY).toEqual(routes);
  });

  const elsewhere = Object.entries(MEETINGS).flatMap(([name, meeting]) =>
    typeof meeting === "object" ? [{ name, file: meeting.played }] : [],
  );
  it.each(elsewhere)("$name is played in $file, by our code", ({ name, file }) => {
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/from "(\.\.\/)+src\//);
    const values = BEHAVIOURS.find((one) => one.name === name)?.values ?? [];
    const lines = text
      .split("\n")
      .filter((line) => line.includes(name))
      .join("\n");
    // a switch is turned, the default is what every other test has
    for (const value of values.slice(1)) expect(lines).toContain(String(value));
  });

  it("is not met where it is said not to be: a promotion with permissions, a proof, a look at schedules", async () => {
    const dev = await scene("dev");
    const permissions = "permissions: [{ user_name: mona@example.com, level: CAN_VIEW }]";
    dev.change({ "databricks.yml": BUNDLE.replace("name: score\n", `name: score\n      ${permissions}\n`) });
    expect(failures((await dev.promote()).result)).toEqual([]);
    dev.world.deleteJob("dev", "score");
    expect((await dev.promote()).result).toBeDefined();
    const owned = { owner: "ml-pipelines-prod", schemas: { gold: {} } };
    const estate = await account({ catalogs: { prod: owned } });
    await tierProof(estate.connect("prod"), estate.contract, estate.tier("prod"), new Date());
    const met = [...dev.simulator.met.keys(), ...estate.simulator.met.keys()];
    const never = Object.keys(MEETINGS).filter((name) => typeof MEETINGS[name] === "string");
    expect(met.filter((name) => never.includes(name))).toEqual([]);
  });
});
