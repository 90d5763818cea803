/** The plan of a repair: as small as can be, safe for who carries it out, and empty once it was. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TierName } from "../../src/contract/model.ts";
import { accessOf, identitiesOf } from "../../src/grants/closure.ts";
import { comparePrivileges } from "../../src/grants/compare.ts";
import type { Expectation, ExpectedGrant } from "../../src/grants/expect.ts";
import { type Estate, keyOf } from "../../src/grants/model.ts";
import { afterRepair, hasArrived, planRepair, type RepairPlan } from "../../src/grants/repair-plan.ts";
import { judge } from "../../src/grants/rules.ts";
import { type EstateOptions, estateOf, ID, type Spec } from "./estate.ts";

const principals = (["sandbox", "dev", "staging", "prod"] as const).map((tier) => ({
  tier,
  name: `ml-pipelines-${tier}`,
  key: ID[tier] as string,
  resolved: true,
}));

function expectation(tier: TierName, grants: readonly ExpectedGrant[] = []): Expectation {
  const own = principals.find((principal) => principal.tier === tier);
  if (own === undefined) throw new Error(tier);
  return { tier, catalog: tier, workspaceId: "3", own, principals, grants };
}

function rule(effect: ExpectedGrant["effect"], on: string, principal: string, ...privileges: string[]): ExpectedGrant {
  const [type, name = ""] = on.split(" ");
  return {
    on: { type: type as ExpectedGrant["on"]["type"], name },
    principal,
    privileges,
    effect,
    where: { kind: "file", file: "four-tier.yml", line: 7 },
  };
}

const owner = ID.prod;
const base: Spec = {
  "catalog prod": { owner },
  "schema prod.gold": { owner },
  "table prod.gold.scores": { owner },
};
/** `schema prod.gold: mona +SELECT -MODIFY` */
const lines = ({ changes }: RepairPlan): string[] =>
  changes.flatMap(({ on, entries }) =>
    entries.map(({ principal, add, remove }) =>
      [`${on.type} ${on.name}: ${principal}`, ...add.map((one) => `+${one}`), ...remove.map((one) => `-${one}`)].join(
        " ",
      ),
    ),
  );
function plan(
  spec: Spec,
  grants: readonly ExpectedGrant[] = [],
  options: EstateOptions = {},
  authority: "catalog" | "project" = "catalog",
) {
  return planRepair(estateOf({ ...base, ...spec }, options), expectation("prod", grants), authority);
}
const gold = (grants: Readonly<Record<string, readonly string[]>>): Spec => ({ "schema prod.gold": { owner, grants } });

describe("with authority over the catalog", () => {
  test.each<[string, Spec, ExpectedGrant[], string[]]>([
    ["nothing to do", {}, [], []],
    ["a stranger goes", gold({ "mona@example.com": ["SELECT"] }), [], ["schema prod.gold: mona@example.com -SELECT"]],
    [
      "what is required comes",
      {},
      [rule("require", "schema prod.gold", "readers", "SELECT")],
      ["schema prod.gold: readers +SELECT"],
    ],
    ["what is allowed does not", {}, [rule("allow", "schema prod.gold", "readers", "SELECT")], []],
    [
      "one request, the difference alone",
      gold({ readers: ["MODIFY", "SELECT"], "mona@example.com": ["SELECT"] }),
      [rule("require", "schema prod.gold", "readers", "SELECT", "USE_SCHEMA")],
      ["schema prod.gold: mona@example.com -SELECT", "schema prod.gold: readers +USE_SCHEMA -MODIFY"],
    ],
    [
      "MANAGE and EXTERNAL_USE_SCHEMA outlive ALL PRIVILEGES, and are named",
      gold({ "mona@example.com": ["ALL PRIVILEGES", "MANAGE", "EXTERNAL USE SCHEMA"] }),
      [],
      ["schema prod.gold: mona@example.com -ALL_PRIVILEGES -EXTERNAL_USE_SCHEMA -MANAGE"],
    ],
    [
      "what stays is granted again where ALL PRIVILEGES goes",
      gold({ readers: ["ALL_PRIVILEGES", "SELECT"] }),
      [rule("allow", "schema prod.gold", "readers", "SELECT")],
      ["schema prod.gold: readers +SELECT -ALL_PRIVILEGES"],
    ],
    [
      "what a rule below needs is granted there, where ALL PRIVILEGES above goes",
      { "catalog prod": { owner, grants: { readers: ["ALL_PRIVILEGES"] } } },
      [rule("require", "schema prod.gold", "readers", "SELECT")],
      ["catalog prod: readers -ALL_PRIVILEGES", "schema prod.gold: readers +SELECT"],
    ],
    [
      "a star is each of them",
      {},
      [rule("require", "schema prod.*", "readers", "SELECT")],
      ["schema prod.gold: readers +SELECT"],
    ],
    [
      "everybody",
      { "catalog prod": { owner, grants: { "account users": ["BROWSE", "SELECT"] } } },
      [],
      ["catalog prod: account users -SELECT"],
    ],
    [
      "another tier's principal",
      gold({ [ID.dev]: ["USE_SCHEMA", "SELECT"] }),
      [],
      [`schema prod.gold: ${ID.dev} -SELECT`],
    ],
    ["the own principal's rights are its own affair", gold({ [ID.prod]: ["ALL_PRIVILEGES", "MANAGE"] }), [], []],
  ])("%s", (_name, spec, grants, expected) => {
    expect(lines(plan(spec, grants))).toEqual(expected);
  });

  test("what the own principal stands on stays, by whatever group, and is told", () => {
    const made = plan(gold({ platform: ["MANAGE"] }), [], { groups: { platform: ["bots"], bots: [ID.prod] } });
    expect(lines(made)).toEqual([]);
    expect(made.kept).toEqual([
      "platform keeps MANAGE on schema prod.gold: ml-pipelines-prod, which repairs, has it too.",
    ]);
  });

  test("what everybody has goes, except the MANAGE that repair could stand on", () => {
    expect(lines(plan(gold({ "account users": ["SELECT", "USE_SCHEMA"] })))).toEqual([
      "schema prod.gold: account users -SELECT -USE_SCHEMA",
    ]);
    expect(plan(gold({ "account users": ["MANAGE"] })).kept).toHaveLength(1);
  });

  test("a way in that the one who repairs had by everybody alone is granted to it in the same request", () => {
    const managed = { [ID.prod]: ["MANAGE", "USE_SCHEMA"], "account users": ["USE_CATALOG", "BROWSE"] };
    const schema = { "account users": ["USE_SCHEMA", "SELECT"] };
    const made = plan({
      "catalog prod": { owner: "rob@example.com", grants: managed },
      "schema prod.gold": { owner: "rob@example.com", grants: schema },
    });
    expect(lines(made)).toEqual([
      `catalog prod: ${ID.prod} +USE_CATALOG`,
      "catalog prod: account users -USE_CATALOG",
      // USE_SCHEMA it has from the catalog.
      "schema prod.gold: account users -SELECT -USE_SCHEMA",
    ]);
  });

  test("a deleted principal's grants cannot be taken away by name, and are told", () => {
    const made = plan(gold({ "#123": ["SELECT"] }));
    expect(lines(made)).toEqual([]);
    expect(made.kept.join()).toContain("(123)");
  });
});

describe("without authority", () => {
  test("it adds, and only tells what is too much", () => {
    const made = plan(
      gold({ "mona@example.com": ["SELECT"] }),
      [rule("require", "catalog prod", "readers", "USE_CATALOG")],
      {},
      "project",
    );
    expect(lines(made)).toEqual(["catalog prod: readers +USE_CATALOG"]);
    expect(made.kept).toEqual([
      "mona@example.com keeps SELECT on schema prod.gold: the contract has no authority to take it away (grants.authority).",
    ]);
  });
});

test("dev: what a rule forbids goes from the thing it speaks of, except by exception", () => {
  const devOwner = ID.dev;
  const estate = estateOf({
    "catalog dev": { owner: devOwner },
    "schema dev.gold": { owner: devOwner, grants: { interns: ["SELECT", "USE_SCHEMA"], auditors: ["SELECT"] } },
  });
  const exception = {
    ...rule("allow", "schema dev.gold", "auditors", "SELECT"),
    exception: { until: "2027-02-01", reason: "x" },
  };
  const made = planRepair(
    estate,
    expectation("dev", [rule("forbid", "catalog dev", "*", "SELECT"), exception]),
    "catalog",
  );
  expect(lines(made)).toEqual(["schema dev.gold: interns -SELECT"]);
});

const PRIVILEGES = "SELECT MODIFY MANAGE ALL_PRIVILEGES USE_CATALOG USE_SCHEMA BROWSE EXTERNAL_USE_SCHEMA".split(" ");
const WHO = ["mona", "readers", "writers", "account users", ID.dev, ID.prod, ID.staging];
const place = fc.dictionary(fc.constantFrom(...WHO), fc.subarray(PRIVILEGES, { minLength: 1 }), { maxKeys: 4 });
const worlds = fc.record({
  catalog: place,
  schema: place,
  table: place,
  readers: fc.subarray(["mona", "writers", ID.prod]),
  rules: fc.array(
    fc.record({
      effect: fc.constantFrom("require" as const, "allow" as const),
      on: fc.constantFrom("catalog prod", "schema prod.*", "table prod.gold.scores"),
      principal: fc.constantFrom("mona", "readers", "writers"),
      privileges: fc.subarray(PRIVILEGES, { minLength: 1 }),
    }),
    { maxLength: 3 },
  ),
});
type World = typeof worlds extends fc.Arbitrary<infer Value> ? Value : never;
const estateFrom = ({ catalog, schema, table, readers }: World, owner: string = ID.prod): Estate =>
  estateOf(
    {
      "catalog prod": { owner, grants: catalog },
      "schema prod.gold": { owner, grants: schema },
      "table prod.gold.scores": { owner, grants: table },
    },
    { groups: { readers, writers: [] } },
  );
const expectedFrom = ({ rules }: World): Expectation =>
  expectation(
    "prod",
    rules.map(({ effect, on, principal, privileges }) => rule(effect, on, principal, ...privileges)),
  );

describe("whatever the estate and the rules", () => {
  test("a second plan is empty, and no rule finds what a grant could put right", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const expected = expectedFrom(world);
        const first = planRepair(estateFrom(world), expected, "catalog");
        const after = afterRepair(estateFrom(world), first);
        expect(lines(planRepair(after, expected, "catalog"))).toEqual([]);
        const standsOn = world.readers.includes(ID.prod) ? ["readers"] : [];
        const kept = (message: string): boolean =>
          standsOn.some((name) => message.startsWith(name)) || /^Every user.*MANAGE/.test(message);
        const rest = judge(after, expected).findings.filter(
          ({ id, message }) =>
            ["grants/excess", "grants/unnamed-principal", "grants/account-users", "grants/missing"].includes(id) &&
            !kept(message),
        );
        expect(rest).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("nothing is granted and revoked at once, nothing is sent for nothing, and the own principal loses nothing", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { changes } = planRepair(estateFrom(world), expectedFrom(world), "catalog");
        for (const { entries } of changes) {
          for (const { principal, add, remove } of entries) {
            expect(add.filter((one) => remove.includes(one))).toEqual([]);
            expect(add.length + remove.length).toBeGreaterThan(0);
            const standsOn = [ID.prod, ...(world.readers.includes(ID.prod) ? ["readers"] : [])];
            expect(remove.length > 0 && standsOn.includes(keyOf(principal))).toBe(false);
          }
        }
        expect(new Set(changes.map(({ on }) => `${on.type} ${on.name}`)).size).toBe(changes.length);
      }),
      { numRuns: 300 },
    );
  });

  test("whatever the one who repairs could manage, it can manage afterwards", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const before = estateFrom(world, "rob@example.com");
        const after = afterRepair(before, planRepair(before, expectedFrom(world), "catalog"));
        const working = (estate: Estate): string[] =>
          [...estate.securables.values()].flatMap((securable) =>
            accessOf(estate, identitiesOf(estate, ID.prod), securable)
              .filter(({ privilege, state }) => state === "works" && /^(MANAGE|USE_.*)$/.test(privilege))
              .map(({ privilege }) => `${privilege} on ${securable.name}`),
          );
        expect(working(after)).toEqual(expect.arrayContaining(working(before)));
      }),
      { numRuns: 500 },
    );
  });

  test("without authority nothing is revoked", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { changes } = planRepair(estateFrom(world), expectedFrom(world), "project");
        expect(changes.flatMap(({ entries }) => entries.flatMap(({ remove }) => remove))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("what arrived is known by reading it again, and what did not is", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const estate = estateFrom(world);
        const made = planRepair(estate, expectedFrom(world), "catalog");
        const after = afterRepair(estate, made);
        for (const change of made.changes) {
          const key = `${change.on.type} ${change.on.name}`;
          expect(hasArrived(change, after.securables.get(key)?.grants ?? [])).toBe(true);
          expect(hasArrived(change, estate.securables.get(key)?.grants ?? [])).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });
});

test("equal is equal: spelling, order, repetition and what ALL PRIVILEGES implies are no drift", () => {
  const spelt = (privilege: string) =>
    fc.constantFrom(
      privilege,
      privilege.toLowerCase(),
      ` ${privilege.replaceAll("_", " ")} `,
      privilege.replaceAll("_", "  "),
    );
  const wanted = fc.subarray(PRIVILEGES, { minLength: 1 });
  const implied = PRIVILEGES.filter((one) => !["ALL_PRIVILEGES", "MANAGE", "EXTERNAL_USE_SCHEMA"].includes(one));
  const written = wanted.chain((privileges) => {
    const beside = privileges.includes("ALL_PRIVILEGES") ? fc.subarray(implied) : fc.constant<string[]>([]);
    const more = beside.map((extra) => [...privileges, ...extra, ...privileges]);
    const all = more.chain((each) =>
      fc.tuple(...each.map(spelt)).chain((list) => fc.shuffledSubarray(list, { minLength: list.length })),
    );
    return all.map((list) => ({ privileges, list }));
  });
  fc.assert(
    fc.property(written, ({ privileges, list }) => {
      expect(comparePrivileges(list, privileges)).toEqual({ missing: [], excess: [] });
      expect(comparePrivileges(privileges, list)).toEqual({ missing: [], excess: [] });
    }),
  );
});
