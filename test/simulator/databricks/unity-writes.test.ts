/** Catalogs and schemas made, changed and dropped (facts: unity-catalog 1.4 to 1.6, 1.10), also by the Databricks CLI. */
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import type { DatabricksScenario } from "../../../simulator/databricks/scenario.ts";
import { CLI, cliOf } from "../../cli.ts";
import { as, closeAll, DEV_ID, scenario, start } from "./harness.ts";

afterEach(closeAll);

const UC = "/api/2.1/unity-catalog";
const MARK = { four_tier_project: "ml-pipelines" };

async function world(more: Partial<DatabricksScenario> = {}) {
  const simulator = await start(
    scenario({
      users: { "mona@example.com": {}, "root@example.com": {} },
      groups: { "metastore-admins": { members: ["root@example.com"] } },
      catalogs: { theirs: { owner: "root@example.com" } },
      ...more,
      metastore: { grants: { "ml-pipelines-dev": ["CREATE_CATALOG"] }, ...more.metastore },
    }),
  );
  const dev = as(simulator, "ml-pipelines-dev", "dev");
  const schemas = async (catalog: string) => {
    const { body } = await dev("GET", `${UC}/schemas?catalog_name=${catalog}`);
    return ((body["schemas"] ?? []) as { name: string }[]).map(({ name }) => name);
  };
  const make = (name: string, body = {}) => dev("POST", `${UC}/catalogs`, { body: { name, ...body } });
  return { simulator, dev, schemas, make, call: (who: string, where = "dev") => as(simulator, who, where) };
}

describe("a catalog", () => {
  it("is made by who may, owned by its maker, in lower case, with a schema `default`", async () => {
    const { make, schemas, call } = await world();
    const made = await make("Mona_Sandbox", { properties: MARK, comment: "Mona's" });
    expect(made.body).toMatchObject({ name: "mona_sandbox", owner: DEV_ID, properties: MARK, isolation_mode: "OPEN" });
    expect(await schemas("mona_sandbox")).toEqual(["information_schema", "default"]);
    const refused = await call("mona@example.com")("POST", `${UC}/catalogs`, { body: { name: "x" } });
    expect(refused).toMatchObject({ status: 403, body: { error_code: "PERMISSION_DENIED" } });
    expect(await call("root@example.com")("POST", `${UC}/catalogs`, { body: { name: "x" } })).toMatchObject({
      status: 200,
    });
  });

  it.each(["a b", "a.b", "a/b", "", "a\tb"])("is not made with the name %j", async (name) => {
    const { make } = await world();
    expect(await make(name)).toMatchObject({ status: 400, body: { error_code: "INVALID_PARAMETER_VALUE" } });
  });

  it.each([400, 409] as const)("of a used name is refused with %s [?]", async (securable_exists) => {
    const { make } = await world({ behaviours: { securable_exists } });
    expect(await make("THEIRS")).toMatchObject({
      status: securable_exists,
      body: { error_code: "CATALOG_ALREADY_EXISTS" },
    });
  });

  it("needs storage of its own where the metastore has none", async () => {
    const { make } = await world({ metastore: { storage_root: "" } });
    expect(await make("x")).toMatchObject({ status: 400, body: { error_code: "INVALID_STATE" } });
    const storage_root = "s3://acme-sandboxes";
    expect((await make("x", { storage_root })).body).toMatchObject({ storage_root });
  });

  it.each([
    ["replace", { b: "2" }],
    ["merge", { ...MARK, b: "2" }],
  ] as const)("has its properties changed: %s [?]", async (catalog_properties, expected) => {
    const { make, dev, call } = await world({ behaviours: { catalog_properties } });
    await make("x", { properties: MARK });
    const patch = { body: { properties: { b: "2" } } };
    expect((await dev("PATCH", `${UC}/catalogs/x`, patch)).body["properties"]).toEqual(expected);
    expect(await call("mona@example.com")("PATCH", `${UC}/catalogs/x`, patch)).toMatchObject({ status: 403 });
    const nobody = { body: { owner: "nobody@example.com" } };
    expect(await dev("PATCH", `${UC}/catalogs/x`, nobody)).toMatchObject({ status: 404 });
  });

  it("is dropped by its owner when nothing is in it, or by force", async () => {
    const { make, dev, schemas, call } = await world();
    await make("x");
    expect(await dev("DELETE", `${UC}/catalogs/x`)).toMatchObject({
      status: 400,
      body: { error_code: "INVALID_STATE" },
    });
    expect(await call("mona@example.com")("DELETE", `${UC}/catalogs/x?force=true`)).toMatchObject({ status: 403 });
    expect(await dev("DELETE", `${UC}/catalogs/theirs?force=true`)).toMatchObject({ status: 403 });
    expect(await schemas("x")).toContain("default");
    await dev("DELETE", `${UC}/schemas/x.default`);
    expect(await dev("DELETE", `${UC}/catalogs/x?force=false`)).toMatchObject({ status: 200 });
    expect(await dev("GET", `${UC}/catalogs/x`)).toMatchObject({
      status: 404,
      body: { error_code: "CATALOG_DOES_NOT_EXIST" },
    });
    await make("y");
    expect(await dev("DELETE", `${UC}/catalogs/y?force=true`)).toMatchObject({ status: 200 });
  });

  it("may come without a schema `default` [?]", async () => {
    const { make, schemas } = await world({ behaviours: { default_schema: false } });
    await make("x");
    expect(await schemas("x")).toEqual(["information_schema"]);
  });
});

describe("a schema", () => {
  const estate: Partial<DatabricksScenario> = {
    catalogs: {
      dev: {
        owner: "ml-pipelines-dev",
        isolation: "ISOLATED",
        bindings: { dev: "READ_WRITE", prod: "READ_ONLY" },
        grants: { "mona@example.com": ["USE_CATALOG"], "ml-pipelines-prod": ["USE_CATALOG", "CREATE_SCHEMA"] },
        schemas: { gold: { tables: { scores: {} } } },
      },
    },
  };

  it("is made by who may, in a workspace from where the catalog is written", async () => {
    const { dev, call } = await world(estate);
    const body = { name: "extra", catalog_name: "dev" };
    expect(await call("mona@example.com")("POST", `${UC}/schemas`, { body })).toMatchObject({ status: 403 });
    expect(await call("ml-pipelines-prod", "prod")("POST", `${UC}/schemas`, { body })).toMatchObject({ status: 403 });
    expect((await dev("POST", `${UC}/schemas`, { body })).body).toMatchObject({
      full_name: "dev.extra",
      catalog_name: "dev",
      owner: DEV_ID,
    });
    expect(await dev("POST", `${UC}/schemas`, { body })).toMatchObject({
      status: 400,
      body: { error_code: "SCHEMA_ALREADY_EXISTS" },
    });
    expect(await dev("POST", `${UC}/schemas`, { body: { ...body, catalog_name: "none" } })).toMatchObject({
      status: 404,
    });
  });

  it("is dropped empty, or with everything in it by force", async () => {
    const { dev, call, schemas } = await world(estate);
    expect(await dev("DELETE", `${UC}/schemas/dev.gold`)).toMatchObject({
      status: 400,
      body: { error_code: "INVALID_STATE" },
    });
    expect(await call("mona@example.com")("DELETE", `${UC}/schemas/dev.gold?force=true`)).toMatchObject({
      status: 403,
    });
    expect(await dev("DELETE", `${UC}/schemas/dev.information_schema?force=true`)).toMatchObject({ status: 400 });
    expect(await dev("DELETE", `${UC}/schemas/dev.gold?force=true`)).toMatchObject({ status: 200 });
    expect(await schemas("dev")).toEqual(["information_schema"]);
    expect(await dev("DELETE", `${UC}/schemas/dev.gold`)).toMatchObject({ status: 404 });
  });
});

describe.skipIf(CLI === undefined)("the Databricks CLI", () => {
  it("makes, marks, binds, fills, grants on and drops a catalog", async () => {
    const { simulator } = await world();
    const { run, json, end } = cliOf(simulator, { files: {} });
    onTestFinished(end);
    const create = { name: "mona_sandbox", properties: MARK, storage_root: "s3://acme-sandboxes" };
    expect(await json("catalogs", "create", "--json", JSON.stringify(create))).toMatchObject({ owner: DEV_ID });
    await run(
      "catalogs",
      "update",
      "mona_sandbox",
      "--json",
      '{"isolation_mode": "ISOLATED", "properties": {"a": "b"}}',
    );
    const bindings = '{"add": [{"workspace_id": 3333333333333333, "binding_type": "BINDING_TYPE_READ_ONLY"}]}';
    await run("workspace-bindings", "update-bindings", "catalog", "mona_sandbox", "--json", bindings);
    await run("schemas", "create", "gold", "mona_sandbox");
    const changes = '{"changes": [{"principal": "mona@example.com", "add": ["USE_SCHEMA"]}]}';
    await run("grants", "update", "schema", "mona_sandbox.gold", "--json", changes);
    const made = simulator.world.securable("mona_sandbox");
    expect([...made.bindings]).toEqual([
      ["dev", "READ_WRITE"],
      ["prod", "READ_ONLY"],
    ]);
    expect(made.properties).toEqual({ a: "b" });
    expect(simulator.world.grants("mona_sandbox.gold")).toEqual({ "mona@example.com": ["USE_SCHEMA"] });
    await expect(run("catalogs", "delete", "mona_sandbox")).rejects.toThrow("not empty");
    await run("schemas", "delete", "mona_sandbox.gold");
    await run("catalogs", "delete", "mona_sandbox", "--force");
    await expect(run("catalogs", "get", "mona_sandbox")).rejects.toThrow("does not exist");
    expect(simulator.unmodelled).toEqual([]);
  });
});
