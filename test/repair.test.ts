/** Repair against a simulated account: dry by default, what was read and nothing else, and empty the second time. */
import { describe, expect, test } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { FourTierError } from "../src/findings.ts";
import type { Clock } from "../src/http/clock.ts";
import { type RepairRequest, type RepairResult, repairGrants } from "../src/repair.ts";
import { type Account, startAccount } from "./account.ts";
import { QUIET } from "./run.ts";

const now = new Date("2027-01-15T12:00:00Z");
const owner = "ml-pipelines-prod";
type Grants = Record<string, string[]>;

function world(gold: Grants, more: Partial<DatabricksScenario> = {}, table: Grants = {}): Partial<DatabricksScenario> {
  return {
    groups: { "metastore-admins": { members: ["rob@example.com"] }, readers: { members: ["mona@example.com"] } },
    catalogs: {
      prod: {
        owner,
        isolation: "ISOLATED",
        bindings: { prod: "READ_WRITE" },
        schemas: { gold: { owner, grants: gold, tables: { scores: { owner, grants: table } } } },
      },
    },
    ...more,
  };
}

const RULES = (authority: string): string => `grants:
  authority: ${authority}
  rules:
    - { on: catalog prod, principal: readers, privileges: [USE_CATALOG] }
    - { on: "schema prod.*", principal: readers, privileges: [USE_SCHEMA, SELECT] }
`;

interface Options {
  readonly digest?: string;
  readonly cancelled?: AbortSignal;
  readonly clock?: Clock;
}

async function repair(account: Account, apply?: Options): Promise<RepairResult> {
  const request: RepairRequest = {
    workspace: account.connect("prod"),
    contract: account.contract,
    tier: account.tier("prod"),
    now,
    seen: {},
    log: QUIET,
    ...(apply === undefined
      ? {}
      : {
          apply: {
            digest: apply.digest ?? "",
            locked: (work) => work(),
            cancelled: apply.cancelled ?? new AbortController().signal,
            ...(apply.clock === undefined ? {} : { clock: apply.clock }),
          },
        }),
  };
  const result = await repairGrants(request);
  expect(account.simulator.unmodelled).toEqual([]);
  return result;
}
/** Time that passes only when somebody waits. */
function fastClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  let at = 0;
  return {
    slept,
    now: () => at,
    random: () => 0.5,
    sleep: async (ms) => {
      slept.push(ms);
      at += ms;
    },
  };
}
const patches = (account: Account): string[] => account.writes().filter((write) => write.startsWith("PATCH"));
async function idOf(promise: Promise<unknown>): Promise<string[]> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FourTierError)) throw new Error("it did not refuse");
  return error.findings.map(({ id }) => id);
}

const messy = () => world({ "rob@example.com": ["ALL_PRIVILEGES", "MANAGE"], readers: ["MODIFY"] });

test("a dry run shows the plan and its digest, and writes nothing", async () => {
  const account = await startAccount(messy(), RULES("catalog"));
  const result = await repair(account);
  expect(account.writes()).toEqual([]);
  expect(result.applied).toBeUndefined();
  expect(result.plan.changes).toEqual([
    {
      on: { type: "catalog", name: "prod" },
      entries: [{ principal: "readers", name: "readers", add: ["USE_CATALOG"], remove: [] }],
    },
    {
      on: { type: "schema", name: "prod.gold" },
      entries: [
        { principal: "readers", name: "readers", add: ["SELECT", "USE_SCHEMA"], remove: ["MODIFY"] },
        { principal: "rob@example.com", name: "rob@example.com", add: [], remove: ["ALL_PRIVILEGES", "MANAGE"] },
      ],
    },
  ]);
  expect(result.digest).toMatch(/^[0-9a-f]{64}$/);
  expect((await repair(account)).digest).toBe(result.digest);
});

test("what was read is carried out with one request a thing, and the second time there is nothing", async () => {
  const account = await startAccount(messy(), RULES("catalog"));
  const { digest } = await repair(account);
  const result = await repair(account, { digest });
  expect(result.applied).toHaveLength(2);
  expect(result.findings).toEqual([]);
  expect(patches(account)).toEqual([
    "PATCH /api/2.1/unity-catalog/permissions/catalog/prod",
    "PATCH /api/2.1/unity-catalog/permissions/schema/prod.gold",
  ]);
  const second = await repair(account);
  expect(second.plan.changes).toEqual([]);
  const again = await repair(account, { digest: second.digest });
  expect(again.applied).toEqual([]);
  expect(patches(account)).toHaveLength(2);
  expect(again.proof.findings).toEqual([]);
});

test("with authority of the project alone it adds, and says what stays", async () => {
  const account = await startAccount(messy(), RULES("project"));
  const { digest } = await repair(account);
  const result = await repair(account, { digest });
  expect(result.plan.changes.flatMap(({ entries }) => entries.flatMap(({ remove }) => remove))).toEqual([]);
  expect(result.findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual([
    "warning grants/unnamed-principal",
    "warning grants/excess",
  ]);
  expect(result.plan.kept).toHaveLength(2);
});

describe("nothing is changed", () => {
  test.each(["", "0".repeat(64)])("with the digest %j of another plan", async (digest) => {
    const account = await startAccount(messy(), RULES("catalog"));
    expect(await idOf(repair(account, { digest }))).toEqual(["grants/repair-changed"]);
    expect(account.writes()).toEqual([]);
  });

  test("when the grants have changed since the plan was read", async () => {
    const account = await startAccount(messy(), RULES("catalog"));
    const { digest } = await repair(account);
    await account.connect("prod").call({
      method: "PATCH",
      path: "/api/2.1/unity-catalog/permissions/table/prod.gold.scores",
      json: { changes: [{ principal: "mona@example.com", add: ["SELECT"] }] },
      repeatable: true,
    });
    expect(await idOf(repair(account, { digest }))).toEqual(["grants/repair-changed"]);
    expect(patches(account)).toHaveLength(1);
  });

  const rule = (line: string): string => `${RULES("catalog")}    - { ${line} }\n`;
  test.each<[string, string, string]>([
    [
      "a principal that nobody is",
      "on: catalog prod, principal: nobody, privileges: [BROWSE]",
      "grants/principal-unknown",
    ],
    [
      "a group of the workspace alone",
      "on: catalog prod, principal: local, privileges: [BROWSE]",
      "grants/principal-local",
    ],
    [
      "two principals of one name",
      "on: catalog prod, principal: twin, privileges: [BROWSE]",
      "grants/principal-ambiguous",
    ],
    [
      "a privilege that is none",
      "on: schema prod.gold, principal: readers, privileges: [SELCT]",
      "grants/privilege-unknown",
    ],
    [
      "a privilege that does not fit",
      "on: table prod.gold.scores, principal: readers, privileges: [READ_VOLUME]",
      "grants/privilege-misfit",
    ],
    [
      "a contract that contradicts itself",
      "on: catalog prod, principal: readers, privileges: [USE_CATALOG], effect: forbid",
      "grants/contradiction",
    ],
  ])("by %s", async (_name, line, id) => {
    const twin = (key: string) => ({ application_id: key, display_name: "twin", workspaces: ["prod"] });
    const account = await startAccount(
      {
        ...messy(),
        groups: { readers: {}, local: { workspace: "prod" }, "metastore-admins": {} },
        service_principals: {
          one: twin("aaaaaaaa-0000-4000-8000-000000000001"),
          two: twin("aaaaaaaa-0000-4000-8000-000000000002"),
        },
      },
      rule(line),
    );
    const ids = await idOf(repair(account));
    expect(new Set(ids)).toEqual(new Set([id]));
    expect(account.writes()).toEqual([]);
  });

  test("in a catalog that does not exist", async () => {
    const account = await startAccount(world({}, { catalogs: {} }), RULES("catalog"));
    expect(await idOf(repair(account))).toEqual(["grants/catalog-missing"]);
  });

  test("by somebody who is not shown all of it", async () => {
    const account = await startAccount(
      {
        ...messy(),
        catalogs: { prod: { owner: "rob@example.com", grants: { [owner]: ["USE_CATALOG"] }, isolation: "OPEN" } },
      },
      RULES("catalog"),
    );
    expect(await idOf(repair(account))).toContain("grants/authority");
    expect(account.writes()).toEqual([]);
  });
});

test("a privilege that may be new is left out of the plan, and the rest is made", async () => {
  const account = await startAccount(
    messy(),
    `${RULES("catalog")}    - { on: schema prod.gold, principal: readers, privileges: [TELEPORT] }\n`,
  );
  const { plan } = await repair(account);
  expect(plan.changes).toHaveLength(2);
  expect(JSON.stringify(plan)).not.toContain("TELEPORT");
});

test("a service that shows the change late is read until it does", async () => {
  const account = await startAccount(messy(), RULES("catalog"));
  const { digest } = await repair(account);
  const reads = { method: "GET", path: "/api/2.1/unity-catalog/permissions/schema/prod.gold" };
  // The proof reads it once; then twice as it was before.
  account.simulator.fault({ ...reads, effect: "stale", nth: 2, times: 2 });
  const clock = fastClock();
  const result = await repair(account, { digest, clock });
  expect(result.findings).toEqual([]);
  expect(clock.slept).toEqual([2000, 2000]);
});

test("a change that does not show within a minute is an error", async () => {
  const account = await startAccount(messy(), RULES("catalog"));
  const { digest } = await repair(account);
  account.simulator.fault({
    method: "GET",
    path: "/api/2.1/unity-catalog/permissions/schema/prod.gold",
    effect: "stale",
    nth: 2,
    times: "always",
  });
  const clock = fastClock();
  const result = await repair(account, { digest, clock });
  expect(result.findings.map(({ id }) => id)).toContain("grants/repair-unsettled");
  expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBe(60_000);
});

test("what was changed and cannot be read back is told as changed", async () => {
  const account = await startAccount(messy(), RULES("catalog"));
  const { digest } = await repair(account);
  account.simulator.fault({
    method: "GET",
    path: "/api/2.1/unity-catalog/permissions/schema/prod.gold",
    effect: "error",
    status: 403,
    code: "PERMISSION_DENIED",
    nth: 2,
    times: "always",
  });
  const result = await repair(account, { digest, clock: fastClock() });
  expect(result.applied).toHaveLength(2);
  const [unsettled, ...others] = result.findings.filter(({ severity }) => severity === "error");
  expect([unsettled?.id, others]).toEqual(["grants/repair-unsettled", []]);
  expect(unsettled?.message).toMatch(/schema prod.gold were changed, and it could not be read back: .*403/);
});

test("the one who repairs is not locked out where it entered the catalog with everybody else", async () => {
  const account = await startAccount(
    world(
      {},
      {
        catalogs: {
          prod: {
            owner: "rob@example.com",
            isolation: "ISOLATED",
            bindings: { prod: "READ_WRITE" },
            grants: {
              [owner]: ["MANAGE", "USE_SCHEMA", "BROWSE", "CREATE_SCHEMA", "SELECT"],
              "account users": ["USE_CATALOG", "BROWSE"],
            },
            schemas: { gold: { grants: { "mona@example.com": ["SELECT"] }, tables: { scores: {} } } },
          },
        },
      },
    ),
    `${RULES("catalog")}    - { on: catalog prod, principal: rob@example.com, privileges: [ALL_PRIVILEGES, MANAGE], effect: allow }
`,
  );
  const { digest } = await repair(account);
  const result = await repair(account, { digest });
  expect(result.applied).toHaveLength(2);
  expect(result.findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect((await repair(account)).plan.changes).toEqual([]);
});

test("a change that is refused stops it, and says what was made and what not", async () => {
  const account = await startAccount(messy(), RULES("catalog"));
  const { digest } = await repair(account);
  account.simulator.fault({
    method: "PATCH",
    path: "/api/2.1/unity-catalog/permissions/schema/prod.gold",
    effect: "error",
    status: 404,
    code: "PRINCIPAL_DOES_NOT_EXIST",
  });
  const result = await repair(account, { digest });
  expect(result.applied).toHaveLength(1);
  const stopped = result.findings.find(({ id }) => id === "grants/repair-stopped");
  expect(stopped?.message).toContain("1 of 2 changes were made; not made: schema prod.gold.");
});

test("a cancelled run begins nothing more", async () => {
  const account = await startAccount(messy(), RULES("catalog"));
  const { digest } = await repair(account);
  const result = await repair(account, { digest, cancelled: AbortSignal.abort() });
  expect(result.applied).toEqual([]);
  expect(patches(account)).toEqual([]);
  expect(result.findings.map(({ id }) => id)).toContain("grants/repair-stopped");
});

test("MANAGE by which the own principal repairs is not taken, and the catalog of another owner is repaired all the same", async () => {
  const base = messy();
  const prod = base.catalogs?.["prod"];
  const account = await startAccount(
    {
      ...base,
      groups: { ...base.groups, platform: { members: [owner] } },
      catalogs: {
        prod: {
          ...prod,
          owner: "rob@example.com",
          grants: { platform: ["ALL_PRIVILEGES", "MANAGE"], "mona@example.com": ["SELECT"] },
        },
      },
    },
    RULES("catalog"),
  );
  const { digest, plan } = await repair(account);
  expect(plan.kept.join("; ")).toMatch(/platform keeps .*MANAGE on catalog prod: ml-pipelines-prod, which repairs/);
  const result = await repair(account, { digest });
  expect(result.findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect((await repair(account)).plan.changes).toEqual([]);
});
