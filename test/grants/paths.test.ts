/** Who can do what, with the path; and that rules which find nothing leave nobody in whom nobody named. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { identitiesOf } from "../../src/grants/closure.ts";
import { allowed, type Expectation, type ExpectedGrant } from "../../src/grants/expect.ts";
import type { Policy } from "../../src/grants/model.ts";
import { pathsInto } from "../../src/grants/paths.ts";
import { effectOf } from "../../src/grants/privileges.ts";
import { judge } from "../../src/grants/rules.ts";
import { estateOf, ID } from "./estate.ts";

const owner = ID.prod;
const base = { "catalog prod": { owner }, "schema prod.gold": { owner }, "table prod.gold.scores": { owner } };
const lines = (estate: Parameters<typeof pathsInto>[0]): string[] =>
  pathsInto(estate, "prod").map(
    ({ name, can, works, count, through }) => `${name} ${can}${works ? "" : "?"} ${count}: ${through}`,
  );

test("groups stand for their members, the one who can do most comes first, and latent is said", () => {
  const estate = estateOf(
    {
      ...base,
      "schema prod.gold": {
        owner,
        grants: { readers: ["SELECT"], "rob@example.com": ["MODIFY", "SELECT", "USE_SCHEMA"] },
      },
      "catalog prod": { owner, grants: { "rob@example.com": ["USE_CATALOG"] } },
    },
    { groups: { readers: ["analysts"], analysts: ["mona@example.com"] }, names: { [owner]: "ml-pipelines-prod" } },
  );
  expect(lines(estate)).toEqual([
    `ml-pipelines-prod (${owner}) control 3: ml-pipelines-prod (${owner}) owns catalog prod`,
    "rob@example.com write 2: rob@example.com has MODIFY on schema prod.gold",
    "mona@example.com read? 2: mona@example.com is in group analysts, which is in group readers, which has SELECT on schema prod.gold; only USE_CATALOG on catalog prod and USE_SCHEMA on schema prod.gold are missing",
  ]);
});

test("a group whose members were not seen stands for itself, and a look is nothing", () => {
  const estate = estateOf(
    { ...base, "table prod.gold.scores": { owner, grants: { hidden: ["SELECT"], "account users": ["BROWSE"] } } },
    { groups: { hidden: [] }, incomplete: ["hidden"] },
  );
  expect(lines(estate).map((line) => line.split(" ")[0])).toEqual([owner, "hidden"]);
});

test("more that is only latent is told beside what works", () => {
  const mona = "mona@example.com";
  const estate = estateOf({
    ...base,
    "catalog prod": { owner, grants: { [mona]: ["USE_CATALOG"] } },
    "schema prod.gold": { owner, grants: { [mona]: ["USE_SCHEMA", "SELECT"] } },
    "schema prod.raw": { owner, grants: { [mona]: ["MANAGE"] } },
  });
  expect(lines(estate).slice(1)).toEqual([
    "mona@example.com control? 1: mona@example.com has MANAGE on schema prod.raw; only USE_SCHEMA on schema prod.raw is missing",
    "mona@example.com read 2: mona@example.com has SELECT on schema prod.gold",
  ]);
});

const PEOPLE = ["mona@example.com", "rob@example.com"];
const HOLDERS = [...PEOPLE, "readers", "writers", "account users", ID.dev, ID.prod];
const PRIVILEGES = "SELECT MODIFY MANAGE ALL_PRIVILEGES USE_CATALOG USE_SCHEMA BROWSE EXTERNAL_USE_SCHEMA".split(" ");
const place = fc.record({
  owner: fc.constantFrom(...Array<string>(12).fill(ID.prod), ...HOLDERS),
  grants: fc.dictionary(fc.constantFrom(...HOLDERS), fc.subarray(PRIVILEGES, { minLength: 1 }), { maxKeys: 1 }),
});
const STORAGE = "READ_FILES WRITE_FILES MANAGE ALL_PRIVILEGES BROWSE".split(" ");
/** Mostly as it should be: worlds in which everything is odd all have findings, and prove little. */
const seldom = <Value>(usual: Value, odd: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
const worlds = fc.record({
  location: seldom<{ owner: string; grants: Record<string, string[]> }>(
    { owner: ID.prod, grants: {} },
    fc.record({
      owner: fc.constantFrom(ID.prod, ID.prod, ID.prod, ...HOLDERS),
      grants: fc.dictionary(fc.constantFrom(...HOLDERS), fc.subarray(STORAGE, { minLength: 1 }), { maxKeys: 1 }),
    }),
  ),
  policies: seldom<{ to: string[]; privileges: string[]; on: string }[]>(
    [],
    fc.array(
      fc.record({
        to: fc.subarray(HOLDERS, { minLength: 1, maxLength: 2 }),
        privileges: fc.subarray(["SELECT", "MODIFY"], { minLength: 1 }),
        on: fc.constantFrom("schema prod.gold", "table prod.gold.scores"),
      }),
      { minLength: 1, maxLength: 1 },
    ),
  ),
  /** Groups whose members were not all shown, though who is in them here counts. */
  incomplete: seldom<string[]>([], fc.subarray(["readers", "writers", "admins"], { minLength: 1, maxLength: 1 })),
  unlisted: seldom<string[]>([], fc.subarray(PEOPLE, { minLength: 1, maxLength: 1 })),
  catalog: place,
  schema: place,
  table: place,
  readers: fc.subarray([...PEOPLE, "writers", ID.dev]),
  writers: fc.subarray([...PEOPLE, "readers"]),
  metastore: fc.constantFrom("admins", "admins", ID.dev, "mona@example.com"),
  rules: fc.array(
    fc.record({
      on: fc.constantFrom(
        "catalog prod",
        "schema prod.*",
        "table prod.gold.scores",
        "metastore",
        "external_location lake",
      ),
      principal: fc.constantFrom(...PEOPLE, "readers", "writers", "admins"),
      privileges: fc.subarray([...PRIVILEGES, "READ_FILES", "WRITE_FILES"], { minLength: 1 }),
    }),
    { maxLength: 4 },
  ),
});

test("a prod without a finding has nobody who can read or write it and is not named, by any path", () => {
  let clean = 0;
  fc.assert(
    fc.property(worlds, fc.integer({ min: 0, max: 3 }), (world, dice) => {
      const { catalog, schema, table, location, readers, writers, metastore, incomplete, unlisted } = world;
      const { rules: some } = world;
      const admins = { on: "metastore", principal: metastore, privileges: ["MANAGE"] };
      const rules = dice === 0 ? some : [...some, admins];
      const estate = estateOf(
        {
          "catalog prod": catalog,
          "schema prod.gold": schema,
          "table prod.gold.scores": table,
          "external_location lake": location,
        },
        {
          groups: { readers, writers, admins: [] },
          incomplete,
          unlisted,
          policies: world.policies.map(({ on, to, privileges }): Policy => {
            const [type, name = ""] = on.split(" ");
            return {
              name: "tagged",
              on: { type: type === "schema" ? "schema" : "table", name },
              privileges,
              to,
              except: [],
              forType: undefined,
              condition: undefined,
            };
          }),
          metastoreOwner: metastore,
          bindings: { isolated: true, workspaces: [{ id: "3", readOnly: false }] },
        },
      );
      const principals = (["dev", "prod"] as const).map((tier) => ({
        tier,
        name: tier,
        key: ID[tier],
        resolved: true,
      }));
      const own = principals[1];
      if (own === undefined) throw new Error("no own principal");
      const grants = rules.map(({ on, principal, privileges }): ExpectedGrant => {
        const [type = "", name = ""] = on.split(" ");
        return {
          on: { type: type as ExpectedGrant["on"]["type"], name },
          principal,
          privileges,
          effect: "allow",
          where: { kind: "file", file: "four-tier.yml" },
        };
      });
      const expected: Expectation = {
        tier: "prod",
        catalog: "prod",
        workspaceId: "3",
        own,
        principals,
        grants,
        wholeEstate: true,
      };
      if (judge(estate, expected).findings.some(({ severity }) => severity === "error" || severity === "unknown"))
        return;
      clean += 1;
      // Nobody holds power himself of whom it is not known who he is; a member that a group shows is known.
      const holders = [...estate.securables.values()].flatMap(({ owner: owning, grants: granted }) => [
        owning ?? "",
        ...granted
          .filter((grant) => grant.privileges.some((privilege) => effectOf(privilege) !== "look"))
          .map((grant) => grant.principal ?? ""),
      ]);
      const open = [...holders, ...world.policies.flatMap(({ to }) => to), metastore];
      expect(open.filter((holder) => unlisted.includes(holder))).toEqual([]);
      expect(pathsInto(estate, "prod").filter(({ principal }) => incomplete.includes(principal))).toEqual([]);
      const strangers = pathsInto(estate, "prod").filter(({ principal }) => {
        const who = [...identitiesOf(estate, principal).keys()];
        const named = who.some((one) =>
          [...estate.securables.values(), { type: "metastore" as const, name: "" }].some((securable) =>
            [...allowed(expected, one, securable)].some((privilege) => effectOf(privilege) !== "look"),
          ),
        );
        return !named && !who.includes(ID.prod);
      });
      expect(strangers).toEqual([]);
    }),
    { numRuns: 3000 },
  );
  expect(clean).toBeGreaterThan(20);
});
