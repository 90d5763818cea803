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
