import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accessOf, identitiesOf, sourcesOf } from "../../src/grants/closure.ts";
import type { Estate, Securable } from "../../src/grants/model.ts";
import { witness } from "../../src/grants/witness.ts";
import { type EstateOptions, estateOf, type Spec } from "./estate.ts";

const tree: Spec = {
  "catalog prod": {},
  "schema prod.gold": {},
  "table prod.gold.scores": {},
  "volume prod.gold.files": {},
};
const use = { mona: ["USE_CATALOG", "USE_SCHEMA"] };

function access(estate: Estate, principal: string, key: string): Record<string, "works" | "latent"> {
  const securable = estate.securables.get(key);
  if (securable === undefined) throw new Error(`no ${key}`);
  return Object.fromEntries(
    accessOf(estate, identitiesOf(estate, principal), securable).map((entry) => [entry.privilege, entry.state]),
  );
}

describe("what a principal can do on a table", () => {
  const scores = "table prod.gold.scores";
  const all = { APPLY_TAG: "works", MODIFY: "works", REFRESH: "works", SELECT: "works" };
  const cases: [name: string, spec: Spec, options: EstateOptions, expected: Record<string, string>][] = [
    ["nothing without a grant", tree, {}, {}],
    [
      "a direct grant with the way to it works",
      { ...tree, "catalog prod": { grants: use }, [scores]: { grants: { mona: ["SELECT"] } } },
      {},
      { SELECT: "works" },
    ],
    [
      "a direct grant without USE_ is latent",
      { ...tree, [scores]: { grants: { mona: ["SELECT"] } } },
      {},
      { SELECT: "latent" },
    ],
    [
      "USE_SCHEMA alone is half the way",
      { ...tree, "schema prod.gold": { grants: { mona: ["USE_SCHEMA", "SELECT"] } } },
      {},
      { SELECT: "latent" },
    ],
    [
      "a grant on the schema reaches the table",
      { ...tree, "catalog prod": { grants: use }, "schema prod.gold": { grants: { mona: ["SELECT"] } } },
      {},
      { SELECT: "works" },
    ],
    [
      "a grant on the catalog reaches the table, and only what fits a table does",
      {
        ...tree,
        "catalog prod": { grants: { mona: ["USE_CATALOG", "USE_SCHEMA", "SELECT", "READ_VOLUME", "BROWSE"] } },
      },
      {},
      { SELECT: "works" },
    ],
    [
      "MODIFY does nothing without SELECT",
      { ...tree, "catalog prod": { grants: use }, [scores]: { grants: { mona: ["MODIFY"] } } },
      {},
      { MODIFY: "latent" },
    ],
    [
      "ALL PRIVILEGES opens everything but MANAGE",
      { ...tree, "catalog prod": { grants: { mona: ["all privileges"] } } },
      {},
      all,
    ],
    ["the owner needs no USE_", { ...tree, [scores]: { owner: "MONA" } }, {}, { ...all, MANAGE: "works" }],
    [
      "the catalog's owner can give himself anything",
      { ...tree, "catalog prod": { owner: "mona" } },
      {},
      { MANAGE: "works" },
    ],
    [
      "the schema's owner is stopped at the catalog",
      { ...tree, "schema prod.gold": { owner: "mona" } },
      {},
      { MANAGE: "latent" },
    ],
    [
      "the schema's owner who may use the catalog is not",
      { ...tree, "catalog prod": { grants: { mona: ["USE_CATALOG"] } }, "schema prod.gold": { owner: "mona" } },
      {},
      { MANAGE: "works" },
    ],
    [
      "MANAGE flows down and needs USE_",
      { ...tree, "catalog prod": { grants: { mona: ["MANAGE"] } } },
      {},
      { MANAGE: "latent" },
    ],
    ["the metastore's owner can change every grant", tree, { metastoreOwner: "mona" }, { MANAGE: "works" }],
    [
      "a group in a group in a group counts",
      { ...tree, "catalog prod": { grants: { readers: ["USE_CATALOG", "USE_SCHEMA", "SELECT"] } } },
      { groups: { readers: ["analysts"], analysts: ["team"], team: ["mona"] } },
      { SELECT: "works" },
    ],
    [
      "groups in a circle end",
      { ...tree, "catalog prod": { grants: { a: ["USE_CATALOG", "USE_SCHEMA", "SELECT"] } } },
      { groups: { a: ["b"], b: ["a", "mona"] } },
      { SELECT: "works" },
    ],
    [
      "account users are everybody",
      { ...tree, "catalog prod": { grants: { "account users": ["USE_CATALOG", "USE_SCHEMA", "SELECT"] } } },
      {},
      { SELECT: "works" },
    ],
    [
      "a privilege we do not know reaches everything",
      { ...tree, "catalog prod": { grants: { mona: ["USE_CATALOG", "USE_SCHEMA", "READ_SECRET"] } } },
      {},
      { READ_SECRET: "works" },
    ],
    [
      "a grant to somebody else does not",
      { ...tree, "catalog prod": { grants: { ...use, monarch: ["SELECT"] } } },
      { groups: { readers: ["monarch"] } },
      {},
    ],
  ];
  test.each(cases)("%s", (_name, spec, options, expected) => {
    expect(access(estateOf(spec, options), "mona", scores)).toEqual(expected);
  });
});

test("of two paths the one that works is shown, then the one with fewer groups", () => {
  const estate = estateOf(
    {
      ...tree,
      "catalog prod": { grants: { ...use, far: ["SELECT"] } },
      "schema prod.gold": { grants: { near: ["SELECT"] } },
    },
    { groups: { far: ["middle"], middle: ["mona"], near: ["mona"] } },
  );
  const table = estate.securables.get("table prod.gold.scores");
  const [select] = accessOf(estate, identitiesOf(estate, "mona"), table as Securable);
  expect(select?.path).toEqual({ groups: ["near"], how: "grant", on: { type: "schema", name: "prod.gold" } });
});

test("a path is written as a sentence", () => {
  const id = "11111111-1111-4111-8111-111111111111";
  const estate = estateOf(
    { ...tree, "schema prod.gold": { grants: { readers: ["SELECT"] } } },
    { groups: { readers: ["analysts"], analysts: [id] }, names: { [id]: "bot" } },
  );
  const [source] = sourcesOf(estate, identitiesOf(estate, id));
  expect(source && witness(estate, id, source.privileges, source.path)).toBe(
    `bot (${id}) is in group analysts, which is in group readers, which has SELECT on schema prod.gold`,
  );
});

const CREATES = "CREATE_FUNCTION CREATE_MATERIALIZED_VIEW CREATE_MODEL CREATE_MODEL_VERSION CREATE_TABLE CREATE_VOLUME";
const SCHEMA = `APPLY_TAG ${CREATES} EXECUTE EXTERNAL_USE_SCHEMA MANAGE MODIFY READ_VOLUME REFRESH SELECT USE_SCHEMA WRITE_VOLUME`;
const FITS: Record<string, string[]> = {
  catalog: `${SCHEMA} BROWSE CREATE_SCHEMA USE_CATALOG`.split(" "),
  schema: SCHEMA.split(" "),
  table: ["APPLY_TAG", "MANAGE", "MODIFY", "REFRESH", "SELECT"],
  volume: ["APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"],
  function: ["APPLY_TAG", "CREATE_MODEL_VERSION", "EXECUTE", "MANAGE"],
};

/**
 * The reference: everything is derived again from the whole estate, nothing is indexed, nothing is remembered, and there
 * are no paths. Each line is a sentence of facts unity-catalog 1.6–1.9.
 */
function reference(estate: Estate, principal: string, target: Securable): Set<string> {
  const am = new Set([principal, ...(estate.groups.has(principal) ? [] : ["account users"])]);
  for (let size = -1; size !== am.size; ) {
    size = am.size;
    for (const group of estate.groups.values()) if (group.members.some((member) => am.has(member))) am.add(group.name);
  }
  const all = [...estate.securables.values()];
  const isBelow = (name: string, above: string): boolean => name === above || name.startsWith(`${above}.`);
  const granted = (place: Securable): Set<string> => {
    const result = new Set<string>();
    for (const above of all.filter((one) => isBelow(place.name, one.name))) {
      for (const grant of above.grants.filter((one) => am.has(one.principal ?? ""))) {
        for (const fit of FITS[place.type] ?? []) {
          const byAll =
            grant.privileges.includes("ALL_PRIVILEGES") && fit !== "MANAGE" && fit !== "EXTERNAL_USE_SCHEMA";
          if (byAll || grant.privileges.includes(fit)) result.add(fit);
        }
      }
    }
    return result;
  };
  const owns = (place: Securable | undefined): boolean => place?.owner !== undefined && am.has(place.owner);
  const catalog = all.find((one) => one.type === "catalog");
  const schema = all.find((one) => one.type === "schema" && isBelow(target.name, one.name));
  if (catalog === undefined) throw new Error("an estate has a catalog");
  const useCatalog = granted(catalog).has("USE_CATALOG") || owns(catalog);
  const useSchema = schema === undefined || granted(schema).has("USE_SCHEMA") || owns(schema);
  const works = new Map<string, boolean>();
  const add = (privilege: string, now: boolean): void => {
    works.set(privilege, now || (works.get(privilege) ?? false));
  };
  const has = granted(target);
  for (const privilege of has) {
    if (privilege === "BROWSE" || privilege === "USE_CATALOG") add(privilege, true);
    else if (privilege === "USE_SCHEMA") add(privilege, useCatalog);
    else if (privilege === "MODIFY") add(privilege, useCatalog && useSchema && (has.has("SELECT") || owns(target)));
    else add(privilege, useCatalog && useSchema);
  }
  if (owns(target)) for (const fit of FITS[target.type] ?? []) if (fit !== "EXTERNAL_USE_SCHEMA") add(fit, true);
  if (target !== catalog && owns(catalog)) add("MANAGE", true);
  if (target !== schema && owns(schema)) add("MANAGE", useCatalog);
  if (am.has(estate.metastoreOwner ?? "")) add("MANAGE", true);
  return new Set([...works].map(([privilege, now]) => `${privilege} ${now ? "works" : "latent"}`));
}

const people = ["mona", "rob", "bot"];
const groupNames = ["g1", "g2", "g3", "g4"];
const privileges =
  "SELECT MODIFY MANAGE ALL_PRIVILEGES USE_CATALOG USE_SCHEMA BROWSE EXECUTE EXTERNAL_USE_SCHEMA WRITE_VOLUME";
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
];
const worlds = fc.record({
  places: fc.array(place, { minLength: names.length, maxLength: names.length }),
  groups: fc.array(fc.uniqueArray(fc.constantFrom(...people, ...groupNames), { maxLength: 3 }), {
    minLength: groupNames.length,
    maxLength: groupNames.length,
  }),
  metastoreOwner: someone,
});

test("the closure says what the slow reference says, whatever the estate", () => {
  fc.assert(
    fc.property(worlds, fc.constantFrom(...people, "g1"), ({ places, groups, metastoreOwner }, principal) => {
      const estate = estateOf(Object.fromEntries(names.map((name, index) => [name, places[index] ?? {}])), {
        groups: Object.fromEntries(groupNames.map((name, index) => [name, groups[index] ?? []])),
        ...(metastoreOwner === undefined ? {} : { metastoreOwner }),
      });
      const who = identitiesOf(estate, principal);
      for (const securable of estate.securables.values()) {
        const said = accessOf(estate, who, securable).map((entry) => `${entry.privilege} ${entry.state}`);
        expect(new Set(said)).toEqual(reference(estate, principal, securable));
      }
    }),
    { numRuns: 300 },
  );
});
