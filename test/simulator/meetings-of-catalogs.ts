/** What is not known of Unity Catalog, of experiments and of sandboxes, where our code meets it. */
import { expect } from "vitest";
import { createExperiment, deleteExperiment } from "../../src/databricks/experiments.ts";
import { mkdirs } from "../../src/databricks/files.ts";
import { FourTierError } from "../../src/findings.ts";
import { tierProof } from "../../src/grants.ts";
import { readLedgerIfAllowed } from "../../src/ledger/store.ts";
import { provision } from "../../src/provision.ts";
import { kindOf } from "../../src/release/kinds/index.ts";
import { type RepairRequest, repairGrants } from "../../src/repair.ts";
import { type Account, APPLICATION } from "../account.ts";
import { QUIET } from "../run.ts";
import { cleanUp, isThere, outcomes, said, unusedSandbox } from "../sandboxes/cleaning.ts";
import { estate as developers, SANDBOX_APPLICATION } from "../sandboxes/estate.ts";
import { account, type Meetings, type Turned } from "./meeting.ts";

const prodProof = async (estate: Account): Promise<string[]> => {
  const { findings } = await tierProof(estate.connect("prod"), estate.contract, estate.tier("prod"), new Date());
  return findings.map(({ severity, id }) => `${severity} ${id}`);
};

/** Repairs prod.gold, of which `readers` has all and MANAGE, to `readers` may SELECT; twice. */
async function repaired(behaviours: Turned) {
  const owner = "ml-pipelines-prod";
  const rules = `grants:
  authority: catalog
  rules:
    - { on: catalog prod, principal: readers, privileges: [USE_CATALOG] }
    - { on: schema prod.gold, principal: readers, privileges: [USE_SCHEMA, SELECT] }
`;
  const gold = { owner, grants: { readers: ["ALL_PRIVILEGES", "MANAGE", "SELECT"] } };
  const prod = { owner, isolation: "ISOLATED" as const, bindings: { prod: "READ_WRITE" as const }, schemas: { gold } };
  const groups = { "metastore-admins": {}, readers: { members: ["mona@example.com"] } };
  const estate = await account({ behaviours, groups, catalogs: { prod } }, rules);
  const once = async (): Promise<string[]> => {
    const request = {
      workspace: estate.connect("prod"),
      contract: estate.contract,
      tier: estate.tier("prod"),
      now: new Date(),
      seen: {},
      log: QUIET,
    } satisfies RepairRequest;
    const { digest } = await repairGrants(request);
    let time = 0;
    const clock = { now: () => time, random: () => 0, sleep: async (ms: number) => void (time += ms) };
    const cancelled = new AbortController().signal;
    const apply = { digest, cancelled, clock, locked: <T>(work: () => Promise<T>) => work() };
    return (await repairGrants({ ...request, apply })).findings.map(({ id }) => id);
  };
  return { estate, once, has: () => estate.simulator.world.grants("prod.gold")["readers"] };
}

export const OF_CATALOGS: Meetings = {
  catalog_owner_reads: async (behaviours, value) => {
    const scores = { owner: "rob@example.com", grants: { "mona@example.com": ["SELECT"] } };
    const gold = { owner: "ml-pipelines-prod", tables: { scores } };
    const bindings = { prod: "READ_WRITE" as const };
    const prod = { owner: "ml-pipelines-prod", isolation: "ISOLATED" as const, bindings, schemas: { gold } };
    const estate = await account({ behaviours, catalogs: { prod } });
    expect(await prodProof(estate)).toEqual(
      value === "everything"
        ? ["error grants/unnamed-principal", "error grants/foreign-owner"]
        : // of the bindings and of the table's grants it is said that they were not seen
          ["error grants/foreign-owner", "unknown grants/unseen", "unknown grants/unseen"],
    );
    return estate.simulator;
  },
  experiment_tag_search: async (behaviours, value) => {
    const estate = await account({ behaviours });
    const workspace = estate.connect("dev");
    const tags = { four_tier_project: "ml-pipelines", four_tier_tier: "dev" };
    const id = await createExperiment(workspace, { name: `/Users/${APPLICATION.dev}/training`, tags });
    const { list, read } = kindOf("experiments");
    const quick = await list(workspace, { ids: new Set([id]), tier: estate.tier("dev") });
    expect(quick.map((one) => one.id)).toEqual(value === "finds" ? [id] : []);
    // what the quick look does not show is read by its id
    expect((await read(workspace, id))?.id).toBe(id);
    return estate.simulator;
  },
  deleted_experiment_path: async (behaviours, value) => {
    const estate = await account({ behaviours });
    const workspace = estate.connect("dev");
    const training = { name: `/Users/${APPLICATION.dev}/training`, tags: {} };
    const first = await createExperiment(workspace, training);
    await deleteExperiment(workspace, first);
    const second = await kindOf("experiments")
      .create(workspace, training)
      .catch((error: unknown) => (error instanceof FourTierError ? error.findings[0]?.message : undefined));
    if (value === "free") expect(second).toMatch(/^\d+$/);
    else expect(second).toContain("already exists and is deleted: restore it");
    expect(second).not.toBe(first);
    return estate.simulator;
  },
  browse_shows_marks: async (behaviours, value) => {
    const viewer = { application_id: SANDBOX_APPLICATION, workspaces: ["dev"], secrets: ["dose-view-secret"] };
    const gold = { comment: "served", properties: { four_tier_project: "ml-pipelines" } };
    const dev = { owner: "ml-pipelines-dev", grants: { viewer: ["BROWSE"] }, schemas: { gold } };
    const estate = await account({ behaviours, service_principals: { viewer }, catalogs: { dev } });
    const seen = await kindOf("schemas").read(estate.connect("dev", "viewer"), "dev.gold");
    // without its mark it is nobody's, and the brief says that ours is missing
    const shown = { comment: "served", properties: gold.properties };
    expect({ comment: seen?.settings["comment"], properties: seen?.settings["properties"] }).toEqual(
      value === true ? shown : { comment: undefined, properties: undefined },
    );
    return estate.simulator;
  },
  hidden_folder: async (behaviours, value) => {
    const estate = await developers({ behaviours });
    const folder = `/Workspace/Users/${SANDBOX_APPLICATION}/.four-tier/ml-pipelines/sandbox/octocat`;
    await mkdirs(estate.connect("dev", "ml-pipelines-sandbox"), folder);
    const expected = { project: "ml-pipelines", tier: "sandbox" as const };
    const seen = await readLedgerIfAllowed(estate.connect("dev"), folder, expected);
    expect(seen).toBe(value === "forbidden" ? "refused" : undefined);
    return estate.simulator;
  },
  not_empty: async (behaviours, value) => {
    const estate = await unusedSandbox(8, { behaviours });
    const result = await cleanUp(estate);
    const removed = value === "said";
    expect([said(result), outcomes(result)]).toEqual(
      removed
        ? [[], ["octocat_sandbox: remove, done"]]
        : [["error sandbox/protected"], ["octocat_sandbox: remove, failed"]],
    );
    // nothing is lost before the refusal
    expect(isThere(estate.simulator, "octocat_sandbox.gold.scores")).toBe(!removed);
    return estate.simulator;
  },
  forced_drop: async (behaviours, value) => {
    const estate = await unusedSandbox(8, { behaviours });
    const { world } = estate.simulator;
    world.add("octocat_sandbox.gold", "model", "churn").updated = 0;
    const result = await cleanUp(estate);
    const all = value === "everything";
    expect(said(result)).toEqual(all ? [] : ["error databricks/failed", "error sandbox/unfinished"]);
    expect(isThere(estate.simulator, "octocat_sandbox.gold.churn")).toBe(!all);
    return estate.simulator;
  },
  users_listed: async (behaviours, value) => {
    const estate = await developers({ behaviours });
    const made = provision({
      workspace: estate.connect("dev"),
      contract: estate.contract,
      principal: APPLICATION.dev,
      workspaceId: "1111111111111111",
      logins: ["octocat"],
      now: estate.simulator.now(),
      pause: () => Promise.resolve(),
      log: QUIET,
    });
    const found = await made.then(
      ({ rows, findings }) => [...rows.map(({ outcome }) => outcome), ...findings.map(({ id }) => id)],
      (error: unknown) => (error instanceof FourTierError ? error.findings.map(({ id }) => id) : []),
    );
    expect(found).toEqual(value === "everybody" ? ["created"] : ["refused", "sandbox/no-such-user"]);
    expect(isThere(estate.simulator, "octocat_sandbox")).toBe(value === "everybody");
    return estate.simulator;
  },
  revoked_with_all: async (behaviours) => {
    const { estate, once, has } = await repaired(behaviours);
    expect(await once()).toEqual([]);
    expect(has()).toEqual(["SELECT", "USE_SCHEMA"]);
    return estate.simulator;
  },
  grants_changed: async (behaviours, value) => {
    const { estate, once, has } = await repaired(behaviours);
    const first = await once();
    expect(first.includes("grants/repair-unsettled")).toBe(value === "add-first");
    if (value === "add-first") await once();
    expect(has()).toEqual(["SELECT", "USE_SCHEMA"]);
    return estate.simulator;
  },
};
