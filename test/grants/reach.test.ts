import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accessOf, identitiesOf } from "../../src/grants/closure.ts";
import type { Estate, SecurableType } from "../../src/grants/model.ts";
import { reachOf } from "../../src/grants/reach.ts";
import { estateOf, type Spec } from "./estate.ts";
import { reference } from "./reference.ts";

const people = ["mona", "rob", "bot"];
const groupNames = ["g1", "g2", "g3", "g4"];
const privileges =
  "SELECT MODIFY MANAGE ALL_PRIVILEGES USE_CATALOG USE_SCHEMA BROWSE EXECUTE EXTERNAL_USE_SCHEMA WRITE_VOLUME READ_FILES WRITE_FILES";
const grants = fc.dictionary(
  fc.constantFrom(...people, ...groupNames, "account users"),
  fc.subarray(privileges.split(" "), { minLength: 1 }),
  { maxKeys: 3 },
);
const someone = fc.option(fc.constantFrom(...people, ...groupNames), { nil: undefined, freq: 3 });
const place = fc.record({ owner: someone, grants });
/** `prod.go` is there because its name begins like no parent of `prod.gold`. */
const names = [
  "catalog prod",
  "schema prod.gold",
  "schema prod.go",
  "table prod.gold.scores",
  "volume prod.go.files",
  "function prod.gold.model",
  "external_location lake",
];
const policy = fc.record({
  name: fc.constant("p"),
  on: fc.constantFrom(...names).map((key) => {
    const [type = "", name = ""] = key.split(" ");
    return { type: type as SecurableType, name };
  }),
  privileges: fc.subarray(["SELECT", "EXECUTE", "MODIFY", "USE_SCHEMA", "ALL_PRIVILEGES"], { minLength: 1 }),
  to: fc.subarray([...people, ...groupNames, "account users"], { minLength: 1, maxLength: 3 }),
  except: fc.subarray([...people, ...groupNames], { maxLength: 2 }),
  forType: fc.option(fc.constantFrom<SecurableType>("table", "function"), { nil: undefined }),
  condition: fc.constant(undefined),
});
const worlds = fc.record({
  places: fc.array(place, { minLength: names.length, maxLength: names.length }),
  groups: fc.array(fc.uniqueArray(fc.constantFrom(...people, ...groupNames), { maxLength: 3 }), {
    minLength: groupNames.length,
    maxLength: groupNames.length,
  }),
  metastoreOwner: someone,
  policies: fc.array(policy, { maxLength: 2 }),
});

function worldOf({ places, groups, metastoreOwner, policies }: World): Estate {
  return estateOf(Object.fromEntries(names.map((name, index) => [name, places[index] ?? {}])), {
    groups: Object.fromEntries(groupNames.map((name, index) => [name, groups[index] ?? []])),
    ...(metastoreOwner === undefined ? {} : { metastoreOwner }),
    policies,
  });
}
type World = typeof worlds extends fc.Arbitrary<infer Value> ? Value : never;

test("the closure of one principal says what the slow reference says, whatever the estate", () => {
  fc.assert(
    fc.property(worlds, fc.constantFrom(...people, "g1"), (world, principal) => {
      const estate = worldOf(world);
      const who = identitiesOf(estate, principal);
      for (const securable of estate.securables.values()) {
        const said = accessOf(estate, who, securable).map((entry) => `${entry.privilege} ${entry.state}`);
        expect(new Set(said)).toEqual(reference(estate, principal, securable));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("the closure of everybody says the same", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const estate = worldOf(world);
      const reach = reachOf(estate);
      for (const securable of estate.securables.values()) {
        const { works, latent } = reach.on(securable);
        for (const principal of reach.principals) {
          const holds = (set: bigint): boolean => reach.members(set).includes(principal);
          const said = [
            ...[...works].filter(([, set]) => holds(set)).map(([privilege]) => `${privilege} works`),
            ...[...latent].filter(([, set]) => holds(set)).map(([privilege]) => `${privilege} latent`),
          ];
          expect(new Set(said)).toEqual(reference(estate, principal, securable));
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("every path is a way that is there: each group holds the one before, and the last one holds the right", () => {
  fc.assert(
    fc.property(worlds, fc.constantFrom(...people), (world, principal) => {
      const estate = worldOf(world);
      const who = identitiesOf(estate, principal);
      for (const securable of estate.securables.values()) {
        for (const { path, privilege } of accessOf(estate, who, securable)) {
          const steps = [principal, ...path.groups];
          for (const [index, group] of path.groups.entries()) {
            const members = group === "account users" ? [principal] : estate.groups.get(group)?.members;
            expect(members).toContain(steps[index]);
          }
          const holder = steps.at(-1);
          const place = estate.securables.get(`${path.on.type} ${path.on.name}`);
          const granted = place?.grants.find((grant) => grant.principal === holder)?.privileges;
          const given = estate.policies.find(
            (policy) => policy.on.name === path.on.name && policy.to.includes(holder ?? ""),
          );
          const ways: Record<typeof path.how, unknown> = {
            grant: granted?.includes(privilege),
            "all-privileges": granted?.includes("ALL_PRIVILEGES"),
            owner: place?.owner === holder,
            "owner-above": place?.owner === holder && place !== securable,
            "metastore-owner": estate.metastoreOwner === holder,
            policy: given !== undefined,
          };
          expect(ways[path.how]).toBe(true);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("ten thousand tables that are granted alike are closed once", () => {
  const spec: Record<string, Spec[string]> = { "catalog prod": { owner: "admin", grants: { g1: ["USE_CATALOG"] } } };
  for (let s = 0; s < 100; s += 1) {
    spec[`schema prod.s${s}`] = { owner: "admin", grants: { g2: ["USE_SCHEMA", "SELECT"] } };
    for (let t = 0; t < 100; t += 1) {
      spec[`table prod.s${s}.t${t}`] = { owner: "admin", ...(t === 0 ? { grants: { mona: ["MODIFY"] } } : {}) };
    }
  }
  const estate = estateOf(spec, { groups: { g1: ["g2"], g2: ["mona", "bot"] } });
  const reach = reachOf(estate);
  // the catalog, schemas, plain tables, and tables that are granted differently
  expect(reach.classes).toHaveLength(4);
  expect(reach.classes.reduce((sum, one) => sum + one.securables.length, 0)).toBe(10_101);
  const table = estate.securables.get("table prod.s7.t0");
  expect(table && reach.members(reach.on(table).works.get("MODIFY") ?? 0n)).toEqual(["admin", "mona"]);
});

describe("a GRANT policy", () => {
  const tree: Spec = {
    "catalog prod": { grants: { mona: ["USE_CATALOG"], bot: ["USE_CATALOG"] } },
    "schema prod.gold": { grants: { mona: ["USE_SCHEMA"], bot: ["USE_SCHEMA"] } },
    "function prod.gold.churn": {},
    "table prod.gold.scores": {},
  };
  const estate = estateOf(tree, {
    groups: { scorers: ["mona", "bot"], guests: ["bot"] },
    policies: [
      {
        name: "score_all",
        on: { type: "catalog", name: "prod" },
        privileges: ["EXECUTE"],
        to: ["scorers"],
        except: ["guests"],
        forType: "function",
        condition: "has_tag('scoring')",
      },
    ],
  });
  const works = (principal: string, key: string): string[] => {
    const securable = estate.securables.get(key);
    if (securable === undefined) throw new Error(`no ${key}`);
    const access = accessOf(estate, identitiesOf(estate, principal), securable);
    return access.filter((entry) => entry.state === "works").map((entry) => `${entry.privilege} by ${entry.path.how}`);
  };

  test("gives what no list of grants shows, to the type it speaks of", () => {
    expect(works("mona", "function prod.gold.churn")).toEqual(["EXECUTE by policy"]);
    expect(works("mona", "table prod.gold.scores")).toEqual([]);
  });

  test("leaves out whom it excepts, groups included", () => {
    expect(works("bot", "function prod.gold.churn")).toEqual([]);
  });
});
