/**
 * What reading and closing a big estate costs: the built action as an auditor, through REST and through SQL, beside what a
 * shell loop does: one `GET …/permissions/…` after the other, a securable each, against the same simulated account.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import { type Estate, keyOf, type Principal, type Securable, securableKey } from "../src/grants/model.ts";
import { reachOf } from "../src/grants/reach.ts";
import { median, round, timed } from "./measure.ts";
import { runnerEnvironment } from "./start.ts";

const PROD = "33333333-3333-4333-8333-333333333333";
const AUDITOR = "77777777-7777-4777-8777-777777777777";
const SECRET = "bench-dose-2";
const WAREHOUSE = "bench";
/** How many closures are timed. */
const CLOSURES = 5;

interface GrantsOptions {
  readonly latencyMs: number;
  readonly schemas: number;
  /** In all, spread evenly over the schemas. */
  readonly tables: number;
  /** A quarter of them service principals. */
  readonly principals: number;
  readonly groups: number;
}

interface Reading {
  readonly seconds: number;
  /** Requests about the estate: what signs in and asks who one is does not count. */
  readonly requests: number;
  readonly peakMb: number;
}

/** Measures. Rejects if a proof does not come to its end. */
export async function grants(options: GrantsOptions): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-bench-"));
  const databricks = await startDatabricks(scenarioOf(options));
  try {
    const sha = makeRepository(join(folder, "repository"), databricks);
    const sql = await read(folder, sha, databricks, "sql");
    const rest = await read(folder, sha, databricks, "rest");
    const loop = await oneByOne(databricks, options);
    return {
      grants: {
        size: options,
        /** How many times as long the loop takes. */
        ratio_rest: round(loop / rest.seconds),
        ratio_sql: round(loop / sql.seconds),
        requests_rest: rest.requests,
        requests_sql: sql.requests,
        closure_seconds: round(closureSeconds(options)),
        peak_mb: Math.max(rest.peakMb, sql.peakMb),
        securables: 1 + options.schemas + options.tables,
        seconds: { loop: round(loop), rest: round(rest.seconds), sql: round(sql.seconds) },
      },
    };
  } finally {
    await databricks.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function read(
  folder: string,
  sha: string,
  databricks: DatabricksSimulator,
  reader: "rest" | "sql",
): Promise<Reading> {
  const before = databricks.requests.length;
  const peak = join(folder, `peak-${reader}`);
  const ended = await timed({
    file: process.execPath,
    args: ["--import", resolve("bench/peak.ts"), resolve("action-validate-grants/main.js")],
    cwd: folder,
    env: {
      ...runnerEnvironment(folder),
      GITHUB_SHA: sha,
      GITHUB_WORKSPACE: join(folder, "repository"),
      BENCH_PEAK_FILE: peak,
      INPUT_MODE: "check",
      INPUT_PROOF: "estate",
      INPUT_TIER: "prod",
      INPUT_READER: reader,
      ...(reader === "sql" ? { "INPUT_WAREHOUSE-ID": WAREHOUSE } : {}),
      "INPUT_CLIENT-ID": AUDITOR,
      "INPUT_CLIENT-SECRET": SECRET,
      "INPUT_ALLOWED-HOSTS": "127.0.0.1",
    },
  });
  // What the proof found does not matter here, only that it came to its end.
  if (!readFileSync(join(folder, "output"), "utf8").includes("certificate"))
    throw new Error(`there is no estate proof:\n${ended.text}`);
  const asked = databricks.requests.slice(before).map(({ path }) => path);
  return {
    seconds: ended.seconds,
    requests: asked.filter((path) => !/oidc|well-known|scim\/v2\/Me$/.test(path)).length,
    peakMb: Math.round(Number(readFileSync(peak, "utf8")) / 1024),
  };
}

/** Seconds of one request after the other, names known beforehand. */
async function oneByOne(databricks: DatabricksSimulator, options: GrantsOptions): Promise<number> {
  const host = databricks.workspaces["prod"]?.url ?? "";
  const headers = { authorization: `Bearer ${databricks.tokenFor("four-tier-audit")}` };
  const started = performance.now();
  for (const [type, name] of namesOf(options)) {
    const answer = await fetch(`${host}/api/2.1/unity-catalog/permissions/${type}/${name}?max_results=0`, { headers });
    if (!answer.ok) throw new Error(`${type} ${name}: ${answer.status}`);
    await answer.arrayBuffer();
  }
  return (performance.now() - started) / 1000;
}

function* namesOf({ schemas, tables }: GrantsOptions): Generator<["catalog" | "schema" | "table", string]> {
  yield ["catalog", "prod"];
  for (let index = 0; index < schemas; index += 1) yield ["schema", `prod.s${index}`];
  for (let index = 0; index < tables; index += 1) yield ["table", `prod.s${index % schemas}.t${index}`];
}

const groupOf = (index: number): string => `group-${index}`;
const userOf = (index: number): string => `user-${index}@example.com`;
const botId = (index: number): string => `aaaaaaaa-0000-4000-8000-${String(index).padStart(12, "0")}`;

/** Whom something is granted to: a group mostly, sometimes a user. */
function granteeOf(index: number, { groups, principals }: GrantsOptions): string {
  return index % 7 === 0 ? userOf(index % Math.ceil(principals * 0.75)) : groupOf(index % groups);
}

/** Members of a group: every so manieth principal, and the next group, so that groups nest in one long circle. */
function membersOf(index: number, { groups, principals }: GrantsOptions): string[] {
  const users = Math.ceil(principals * 0.75);
  const own = (count: number): number[] =>
    Array.from({ length: count }, (_, at) => at).filter((at) => at % groups === index);
  return [
    ...own(users).map(userOf),
    ...own(principals - users).map((at) => `bot-${at}`),
    groupOf((index + 1) % groups),
  ];
}

/** A prod that only its principal writes; everybody else looks around in it, which is no error. */
function scenarioOf(options: GrantsOptions): DatabricksScenario {
  const { schemas, tables, principals, groups, latencyMs } = options;
  const owner = "ml-pipelines-prod";
  const users = Math.ceil(principals * 0.75);
  const each = <T>(count: number, entry: (index: number) => [string, T]): Record<string, T> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)));
  return {
    latency_ms: latencyMs,
    workspaces: { prod: { id: "3333333333333333" } },
    service_principals: {
      [owner]: { application_id: PROD, workspaces: ["prod"] },
      "four-tier-audit": { application_id: AUDITOR, workspaces: ["prod"], secrets: [SECRET] },
      ...each(principals - users, (index) => [`bot-${index}`, { application_id: botId(index), workspaces: ["prod"] }]),
    },
    users: each(users, (index) => [userOf(index), {}]),
    groups: {
      "metastore-admins": { members: ["four-tier-audit"] },
      ...each(groups, (index) => [groupOf(index), { members: membersOf(index, options) }]),
    },
    warehouses: { [WAREHOUSE]: { workspace: "prod", users: ["four-tier-audit"] } },
    catalogs: {
      prod: {
        owner,
        isolation: "ISOLATED",
        bindings: { prod: "READ_WRITE" },
        grants: Object.fromEntries(Array.from({ length: groups }, (_, index) => [groupOf(index), ["USE_CATALOG"]])),
        schemas: each(schemas, (schema) => [
          `s${schema}`,
          {
            owner,
            grants: { [granteeOf(schema, options)]: ["USE_SCHEMA"] },
            tables: Object.fromEntries(
              Array.from({ length: tables }, (_, index) => index)
                .filter((index) => index % schemas === schema)
                .map((index) => [`t${index}`, { owner, grants: { [owner]: ["SELECT"] } }]),
            ),
          },
        ]),
      },
    },
  };
}

function makeRepository(folder: string, databricks: DatabricksSimulator): string {
  const host = databricks.workspaces["prod"]?.url ?? "";
  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-c", "user.name=Mona", "-c", "user.email=mona@example.com", "-C", folder, ...args], {
      encoding: "utf8",
    }).trim();
  execFileSync("git", ["init", "-q", "-b", "main", folder]);
  const id = (count: number): string =>
    String(count).repeat(8) +
    `-${String(count).repeat(4)}-4${String(count).repeat(3)}-8${String(count).repeat(3)}-${String(count).repeat(12)}`;
  writeFileSync(
    join(folder, "four-tier.yml"),
    `tiers:
  dev: { workspace: "${host}", client_id: ${id(1)} }
  staging: { workspace: "${host}", client_id: ${id(2)} }
  prod: { workspace: "${host}", workspace_id: "3333333333333333", client_id: ${PROD} }
grants: { rules: [{ on: metastore, principal: metastore-admins, privileges: [MANAGE] }] }
`,
  );
  git("add", "--all");
  git("commit", "-q", "-m", "A contract");
  return git("rev-parse", "HEAD");
}

/** Seconds of one closure of the same size, where every table is granted to somebody else, so that few are alike. */
function closureSeconds(options: GrantsOptions): number {
  const { principals, groups } = options;
  const users = Math.ceil(principals * 0.75);
  const securables = [...namesOf(options)].map(([type, name], index): Securable => {
    const privileges = type === "catalog" ? ["USE_CATALOG"] : type === "schema" ? ["USE_SCHEMA", "SELECT"] : ["MODIFY"];
    const grants = [0, 1, 2].map((more) => ({
      principal: granteeOf(index * 3 + more * more, options),
      principalId: undefined,
      privileges,
    }));
    return { type, name, kind: undefined, owner: groupOf(index % groups), grants };
  });
  const bots = Array.from({ length: principals - users }, (_, index) => botId(index));
  const estate = (): Estate => ({
    securables: new Map(securables.map((one) => [securableKey(one), one])),
    groups: new Map(
      Array.from({ length: groups }, (_, index) => {
        const members = membersOf(index, options).map((member) =>
          member.startsWith("bot-") ? botId(Number(member.slice(4))) : member,
        );
        return [keyOf(groupOf(index)), { name: groupOf(index), members, complete: true }];
      }),
    ),
    localGroups: new Map(),
    principals: new Map<string, Principal>([
      ...bots.map((name) => [name, { kind: "service-principal", name, displayName: name }] as const),
      ...Array.from({ length: users }, (_, index) => {
        const name = userOf(index);
        return [name, { kind: "user", name, displayName: name }] as const;
      }),
    ]),
    metastoreOwner: groupOf(0),
    externalAccess: false,
    bindings: new Map(),
    policies: [],
  });
  const times = Array.from({ length: CLOSURES }, () => {
    const fresh = estate();
    const started = performance.now();
    reachOf(fresh);
    return (performance.now() - started) / 1000;
  });
  return median(times);
}
