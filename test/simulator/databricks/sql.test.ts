import { afterEach, describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../../../simulator/databricks/scenario.ts";
import type { JsonObject } from "../../../simulator/json.ts";
import { as, closeAll, scenario, start } from "./harness.ts";

afterEach(closeAll);

const SQL = "/api/2.0/sql/statements";
const UC = "/api/2.1/unity-catalog";

/** Written here again, so that simulator and suite cannot be wrong together. */
const privileges = `SELECT 'catalog' AS kind, NULL AS schema_name, NULL AS object_name, grantee, privilege_type
  FROM \`dev\`.information_schema.catalog_privileges WHERE catalog_name = :catalog AND coalesce(inherited_from, 'NONE') = 'NONE'
  UNION ALL SELECT 'schema', schema_name, NULL, grantee, privilege_type FROM \`dev\`.information_schema.schema_privileges
  WHERE schema_name <> 'information_schema' AND coalesce(inherited_from, 'NONE') = 'NONE'
  UNION ALL SELECT 'table', table_schema, table_name, grantee, privilege_type FROM \`dev\`.information_schema.table_privileges
  WHERE table_schema <> 'information_schema' AND coalesce(inherited_from, 'NONE') = 'NONE'
  UNION ALL SELECT 'volume', volume_schema, volume_name, grantee, privilege_type FROM \`dev\`.information_schema.volume_privileges
  WHERE coalesce(inherited_from, 'NONE') = 'NONE'
  UNION ALL SELECT 'function', specific_schema, specific_name, grantee, privilege_type
  FROM \`dev\`.information_schema.routine_privileges WHERE coalesce(inherited_from, 'NONE') = 'NONE'`;

async function world(more: Partial<DatabricksScenario> = {}) {
  const simulator = await start(
    scenario({
      users: { "mona@example.com": {}, "root@example.com": {}, "otto@example.com": {} },
      groups: { "metastore-admins": { members: ["root@example.com"] } },
      catalogs: {
        dev: {
          owner: "ml-pipelines-dev",
          storage: "s3://lake/dev",
          grants: { "mona@example.com": ["USE_CATALOG", "USE_SCHEMA", "MANAGE"], "otto@example.com": ["USE_CATALOG"] },
          schemas: { gold: { tables: { scores: { grants: { "otto@example.com": ["SELECT"] } } } } },
        },
      },
      external_locations: { lake: { url: "s3://lake", credential: "role", owner: "root@example.com" } },
      storage_credentials: { role: { owner: "root@example.com", grants: { "mona@example.com": ["READ_FILES"] } } },
      policies: [{ name: "open", on: "schema dev.gold", privileges: ["SELECT"], to: ["otto@example.com"] }],
      warehouses: {
        w: { workspace: "dev", users: ["ml-pipelines-dev", "mona@example.com", "root@example.com"] },
        off: { workspace: "dev", users: ["mona@example.com"], state: "STOPPED" },
        dead: { workspace: "dev", users: ["mona@example.com"], state: "STOPPED", starts: false },
      },
      ...more,
    }),
  );
  const call = (principal: string) => as(simulator, principal, "dev");
  const run = (principal: string, statement: string, more_: Record<string, unknown> = {}) =>
    call(principal)("POST", SQL, {
      body: { statement, warehouse_id: "w", parameters: [{ name: "catalog", value: "dev" }], ...more_ },
    });
  return { simulator, call, run };
}

const rowsOf = (body: JsonObject): unknown => (body["result"] as JsonObject)["data_array"];
const stateOf = (body: JsonObject): unknown => (body["status"] as JsonObject)["state"];
const idOf = (body: JsonObject): string => body["statement_id"] as string;

describe("a statement", () => {
  it("answers with rows of text, and nothing for no rows", async () => {
    const { run } = await world();
    const { status, body } = await run("mona@example.com", "SELECT 1 AS one");
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: { state: "SUCCEEDED" }, result: { data_array: [["1"]] } });
    const { body: none } = await run(
      "mona@example.com",
      "SELECT DISTINCT on_securable_type, schema_name, securable_name FROM `dev`.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'",
    );
    expect(none).toMatchObject({ manifest: { total_chunk_count: 1 } });
  });

  it("shows all grants to the owner and to the metastore's, and only his own to who has MANAGE", async () => {
    const { run } = await world();
    for (const [principal, seen] of [
      ["ml-pipelines-dev", 5],
      ["root@example.com", 5],
      ["mona@example.com", 3],
    ] as const) {
      expect(rowsOf((await run(principal, privileges)).body)).toHaveLength(seen);
    }
  });

  it("that fails is a 200 that says why", async () => {
    const { run } = await world();
    const { status, body } = await run("mona@example.com", privileges.replaceAll("`dev`", "`gone`"));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: { state: "FAILED", error: { message: "[NO_SUCH_CATALOG_EXCEPTION] Catalog 'gone' was not found." } },
    });
    const { body: unbound } = await run("mona@example.com", privileges, { parameters: [] });
    expect(unbound).toMatchObject({ status: { state: "FAILED", sql_state: "42P02" } });
  });

  it("comes in chunks", async () => {
    const { run, call } = await world({ sql_chunk_rows: 2 });
    const { body } = await run("ml-pipelines-dev", privileges);
    expect(body).toMatchObject({
      manifest: { total_chunk_count: 3, total_row_count: 5 },
      result: { next_chunk_index: 1 },
    });
    const id = idOf(body);
    const { body: last } = await call("ml-pipelines-dev")("GET", `${SQL}/${id}/result/chunks/2`);
    expect(last).toMatchObject({ chunk_index: 2, row_count: 1 });
    expect(last).not.toHaveProperty("next_chunk_index");
    expect((await call("ml-pipelines-dev")("GET", `${SQL}/${id}/result/chunks/3`)).status).toBe(404);
    expect((await call("mona@example.com")("GET", `${SQL}/${id}`)).status).toBe(404);
  });

  it("waits for a warehouse that starts, and for ever for one that does not", async () => {
    const { run, call } = await world();
    const mona = call("mona@example.com");
    const state = async (id: string) => stateOf((await mona("GET", `${SQL}/${id}`)).body);
    const { body } = await run("mona@example.com", "SELECT 1 AS one", { warehouse_id: "off" });
    expect(stateOf(body)).toBe("PENDING");
    const id = idOf(body);
    expect([await state(id), await state(id)]).toEqual(["PENDING", "SUCCEEDED"]);
    const dead = idOf((await run("mona@example.com", "SELECT 1 AS one", { warehouse_id: "dead" })).body);
    expect([await state(dead), await state(dead)]).toEqual(["PENDING", "PENDING"]);
    await mona("POST", `${SQL}/${dead}/cancel`, { body: {} });
    expect(await state(dead)).toBe("CANCELED");
    const at = await run("mona@example.com", "SELECT 1 AS one", { wait_timeout: "0s" });
    expect(stateOf(at.body)).toBe("PENDING");
  });

  it("is refused: a warehouse that is not there or not his, a wait that is not allowed, SQL that is not modelled", async () => {
    const { simulator, run } = await world();
    expect((await run("mona@example.com", "SELECT 1 AS one", { warehouse_id: "x" })).status).toBe(404);
    expect((await run("otto@example.com", "SELECT 1 AS one")).status).toBe(403);
    expect((await run("mona@example.com", "SELECT 1 AS one", { wait_timeout: "3s" })).status).toBe(400);
    expect(simulator.unmodelled).toEqual([]);
    expect((await run("mona@example.com", "SELECT 2")).status).toBe(400);
    expect(simulator.unmodelled).toEqual(["the simulator does not model the statement SELECT 2"]);
  });

  it("fails where the preview of policies is missing", async () => {
    const { run } = await world({ behaviours: { policy_view: "absent" } });
    const { body } = await run(
      "mona@example.com",
      "SELECT DISTINCT on_securable_type, schema_name, securable_name FROM `dev`.information_schema.abac_policy_definitions WHERE policy_type LIKE '%GRANT%'",
    );
    expect(body).toMatchObject({ status: { state: "FAILED", sql_state: "42P01" } });
  });
});

describe("storage and policies", () => {
  it("lists the locations and credentials that one holds something on", async () => {
    const { call } = await world();
    const names = async (principal: string, path: string) =>
      Object.values((await call(principal)("GET", `${UC}/${path}`)).body)
        .flat()
        .map((one) => (one as JsonObject)["name"]);
    expect(await names("root@example.com", "external-locations")).toEqual(["lake"]);
    expect(await names("mona@example.com", "external-locations")).toEqual([]);
    expect(await names("mona@example.com", "storage-credentials")).toEqual(["role"]);
    const { body } = await call("root@example.com")("GET", `${UC}/external-locations/lake`);
    expect(body).toMatchObject({ url: "s3://lake", credential_name: "role", isolation_mode: "ISOLATION_MODE_OPEN" });
    expect((await call("mona@example.com")("GET", `${UC}/external-locations/lake`)).status).toBe(403);
    const { body: grants } = await call("root@example.com")("GET", `${UC}/permissions/storage_credential/role`);
    expect(grants).toEqual({ privilege_assignments: [{ principal: "mona@example.com", privileges: ["READ_FILES"] }] });
  });

  it("shows policies to who manages what they are attached to, those from above when asked", async () => {
    const { call } = await world();
    const { body } = await call("mona@example.com")("GET", `${UC}/policies/schema/dev.gold`);
    expect(body).toMatchObject({
      policies: [{ name: "open", policy_type: "POLICY_TYPE_GRANT", grant: { privileges: ["SELECT"] } }],
    });
    const { body: table } = await call("mona@example.com")("GET", `${UC}/policies/table/dev.gold.scores`);
    expect(table).toEqual({});
    const { body: above } = await call("mona@example.com")(
      "GET",
      `${UC}/policies/table/dev.gold.scores?include_inherited=true`,
    );
    expect(above).toMatchObject({ policies: [{ on_securable_fullname: "dev.gold" }] });
    expect((await call("otto@example.com")("GET", `${UC}/policies/schema/dev.gold`)).status).toBe(403);
  });
});

it("lists the metastore's models without a place", async () => {
  const { call } = await world({
    catalogs: {
      dev: { owner: "ml-pipelines-dev", schemas: { gold: { models: { churn: {} } }, more: { models: { b: {} } } } },
    },
  });
  const { body } = await call("ml-pipelines-dev")("GET", `${UC}/models?max_results=1000`);
  expect(body).toMatchObject({ registered_models: [{ full_name: "dev.gold.churn" }, { full_name: "dev.more.b" }] });
});
