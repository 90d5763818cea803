/** The two readers against one simulated world. */
import { expect, test } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { type CatalogRead, readCatalog } from "../../src/grants/read.ts";
import { restContents } from "../../src/grants/read-rest.ts";
import { sqlContents } from "../../src/grants/read-sql.ts";
import type { Clock } from "../../src/http/clock.ts";
import { type Account, startAccount } from "../account.ts";

const owner = "ml-pipelines-prod";

/** Every kind of thing, grants at every level, names that need quoting, and schemas that are the platform's. */
const world: Partial<DatabricksScenario> = {
  groups: {
    "metastore-admins": { members: ["rob@example.com"] },
    readers: { members: ["mona@example.com"] },
  },
  catalogs: {
    prod: {
      owner,
      isolation: "ISOLATED",
      bindings: { prod: "READ_WRITE" },
      storage: "s3://lake/prod",
      grants: { readers: ["USE_CATALOG", "BROWSE"], "mona@example.com": ["ALL_PRIVILEGES", "MANAGE"] },
      schemas: {
        bronze: { owner, grants: { readers: ["USE_SCHEMA", "SELECT"] }, tables: { events: { owner } } },
        "go`ld": {
          owner: "rob@example.com",
          tables: {
            scores: { owner, grants: { readers: ["SELECT"], "account users": ["MODIFY"] } },
            report: { owner, type: "VIEW" },
            daily: { owner, type: "MATERIALIZED_VIEW", grants: { readers: ["REFRESH"] } },
            live: { owner, type: "STREAMING_TABLE" },
            outside: { owner, type: "EXTERNAL", storage: "s3://other/outside" },
          },
          volumes: {
            files: { owner, grants: { readers: ["READ_VOLUME"] } },
            raw: { owner, storage: "s3://other/raw" },
          },
          functions: { clean: { owner: "mona@example.com", grants: { readers: ["EXECUTE"] } } },
          models: { churn: { owner, grants: { readers: ["EXECUTE"] } } },
        },
      },
    },
    staging: { owner: "ml-pipelines-staging", schemas: { gold: { models: { churn: {} } } } },
  },
  warehouses: { wh1: { workspace: "prod", users: [owner] } },
};

const sql = sqlContents({ warehouseId: "wh1" });

/** Comparable: securables by key, without order. */
function estateOf(read: CatalogRead): unknown {
  return {
    securables: Object.fromEntries(
      read.securables.map((securable) => [
        `${securable.type} ${securable.name}`,
        { ...securable, storage: securable.storage ?? null },
      ]),
    ),
    bindings: read.bindings,
    metastoreOwner: read.metastore?.owner,
    counts: read.counts,
    refused: read.refused,
  };
}

async function both(account: Account): Promise<[rest: unknown, sql: unknown]> {
  const workspace = account.connect("prod");
  const reads = [
    await readCatalog(workspace, "prod", { contents: restContents }),
    await readCatalog(workspace, "prod", { contents: sql }),
  ];
  expect(account.simulator.unmodelled).toEqual([]);
  const [rest, other] = reads.map(estateOf);
  return [rest, other];
}

test.each([
  {},
  { behaviours: { empty_pages: true, direct_grant_mark: "null" as const }, page_size: 1, sql_chunk_rows: 3 },
])("REST and SQL give the same estate for the same world (%j)", async (more) => {
  const account = await startAccount({ ...world, ...more });
  const [rest, other] = await both(account);
  expect(other).toEqual(rest);
  expect(rest).toMatchObject({
    counts: { schemas: 2, tables: 6, volumes: 2, functions: 1, models: 1, grantLists: 13, grants: 9 },
    refused: [],
    securables: {
      "function prod.go`ld.clean": { owner: "mona@example.com", grants: [{ privileges: ["EXECUTE"] }] },
      "table prod.go`ld.outside": { kind: "EXTERNAL", storage: "s3://other/outside" },
      "catalog prod": { storage: "s3://lake/prod", grants: [{ privileges: ["ALL_PRIVILEGES", "MANAGE"] }, {}] },
    },
  });
});

test("nothing that was inherited is taken for a grant of its own", async () => {
  const account = await startAccount(world);
  const read = await readCatalog(account.connect("prod"), "prod", { contents: sql });
  const events = read.securables.find(({ name }) => name === "prod.bronze.events");
  expect(events?.grants).toEqual([]);
});

test("a catalog with nothing in it", async () => {
  const account = await startAccount({ ...world, catalogs: { prod: { owner } } });
  const [rest, other] = await both(account);
  expect(other).toEqual(rest);
});

test("reading goes on where the service limits requests", async () => {
  const account = await startAccount(world);
  account.simulator.fault({
    path: "/api/2.1/unity-catalog/permissions/*",
    effect: "rate-limited",
    nth: 3,
    retry_after: 0,
  });
  account.simulator.fault({ method: "POST", path: "/api/2.0/sql/statements", effect: "rate-limited", retry_after: 0 });
  const [rest, other] = await both(account);
  expect(other).toEqual(rest);
});

test("progress is told as lists are read", async () => {
  const account = await startAccount(world);
  const told: string[] = [];
  await readCatalog(account.connect("prod"), "prod", {
    progress: (what, read, known) => told.push(`${read} of ${known} ${what}`),
  });
  expect(told).toContain("2 of 2 schemas");
  expect(told.at(-1)).toBe("12 of 12 lists of grants");
});

test("what is not bound to the workspace that is asked is not taken for empty, by neither reader", async () => {
  const bound = { ...world.catalogs?.["prod"], bindings: { dev: "READ_WRITE" as const } };
  const account = await startAccount({ ...world, catalogs: { prod: bound } });
  for (const contents of [restContents, sql]) {
    const read = await readCatalog(account.connect("prod"), "prod", { contents, workspaceId: "3333333333333333" });
    expect(read.refused).toMatchObject([
      { what: "what is in catalog prod", needs: "a workspace that catalog prod is bound to" },
    ]);
  }
});

/** A clock that jumps over every wait. */
function jumping(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    random: () => 0,
  };
}

async function failure(warehouses: NonNullable<DatabricksScenario["warehouses"]>): Promise<string> {
  const account = await startAccount({ ...world, warehouses });
  const contents = sqlContents({ warehouseId: "wh1", clock: jumping() });
  const thrown: unknown = await readCatalog(account.connect("prod"), "prod", { contents }).catch(
    (error: unknown) => error,
  );
  expect(account.simulator.unmodelled).toEqual([]);
  expect(thrown).toBeInstanceOf(Error);
  return (thrown as Error).message;
}

test("a stopped warehouse that starts is waited for", async () => {
  const account = await startAccount({
    ...world,
    warehouses: { wh1: { workspace: "prod", users: [owner], state: "STOPPED" } },
  });
  const states: string[] = [];
  const contents = sqlContents({ warehouseId: "wh1", clock: jumping(), waiting: (state) => states.push(state) });
  const read = await readCatalog(account.connect("prod"), "prod", { contents });
  expect(read.counts.tables).toBe(6);
  expect(states).toContain("PENDING");
});

test("a warehouse that is stopped and does not start, is missing, or is not ours to use: said with what to do", async () => {
  const stopped = { workspace: "prod", users: [owner], state: "STOPPED" as const, starts: false };
  expect(await failure({ wh1: stopped })).toMatch(/warehouse-waiting: .*wh1.*PENDING.*`reader: rest`/);
  expect(await failure({})).toMatch(/warehouse-missing: .*wh1.*Correct the input `warehouse-id`/);
  expect(await failure({ wh1: { workspace: "dev", users: [owner] } })).toMatch(/warehouse-missing/);
  expect(await failure({ wh1: { workspace: "prod" } })).toMatch(/warehouse-refused: .*CAN_USE/);
});
