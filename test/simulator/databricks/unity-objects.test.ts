/** Schemas, volumes and registered models: made, changed and deleted by whom the platform lets, and kept as it keeps them. */
import { afterEach, describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../../../simulator/databricks/scenario.ts";
import { as, closeAll, DEV_ID, scenario, start } from "./harness.ts";

afterEach(closeAll);

const UC = "/api/2.1/unity-catalog";

function estate(more: Partial<DatabricksScenario> = {}): DatabricksScenario {
  return scenario({
    users: { "mona@example.com": {}, "otto@example.com": {} },
    catalogs: {
      dev: {
        owner: "ml-pipelines-dev",
        grants: { "mona@example.com": ["USE_CATALOG", "CREATE_SCHEMA"], "otto@example.com": ["USE_CATALOG"] },
        schemas: { bronze: { tables: { events: {} }, volumes: { landing: {} } } },
      },
    },
    ...more,
  });
}

describe("a schema", () => {
  it("takes a change of comment and properties as a whole, and refuses one of nothing", async () => {
    const simulator = await start(estate());
    const dev = as(simulator, "ml-pipelines-dev", "dev");
    const at = `${UC}/schemas/dev.bronze`;
    await dev("PATCH", at, { body: { comment: "c", properties: { a: "1" } } });
    const changed = await dev("PATCH", at, { body: { comment: "", properties: { b: "2" } } });
    expect(changed.body).toMatchObject({ properties: { b: "2" } });
    expect(changed.body["properties"]).not.toHaveProperty("a");
    expect(changed.body["comment"]).toBeUndefined();
    expect((await dev("PATCH", at, { body: {} })).body["message"]).toContain("Nothing to update");
    const mona = as(simulator, "mona@example.com", "dev");
    expect((await mona("PATCH", at, { body: { comment: "m" } })).status).toBe(403);
  });

  it("keeps the properties that a change does not name where the service merges", async () => {
    const simulator = await start(estate({ behaviours: { catalog_properties: "merge" } }));
    const dev = as(simulator, "ml-pipelines-dev", "dev");
    await dev("PATCH", `${UC}/schemas/dev.bronze`, { body: { properties: { a: "1" } } });
    const changed = await dev("PATCH", `${UC}/schemas/dev.bronze`, { body: { properties: { b: "2" } } });
    expect(changed.body).toMatchObject({ properties: { a: "1", b: "2" } });
  });

  it("cannot be changed in a catalog that is bound read-only here", async () => {
    const readOnly = { isolation: "ISOLATED", bindings: { dev: "READ_ONLY" }, schemas: { bronze: {} } } as const;
    const simulator = await start(estate({ catalogs: { dev: { owner: "ml-pipelines-dev", ...readOnly } } }));
    const dev = as(simulator, "ml-pipelines-dev", "dev");
    const reply = await dev("PATCH", `${UC}/schemas/dev.bronze`, { body: { comment: "c" } });
    expect([reply.status, reply.body["message"]]).toEqual([403, expect.stringContaining("read-only")]);
  });
});

describe("a volume", () => {
  const body = { catalog_name: "dev", schema_name: "bronze", name: "files", volume_type: "MANAGED" };

  it("is made in a schema, changed by its comment, and deleted", async () => {
    const simulator = await start(estate());
    const dev = as(simulator, "ml-pipelines-dev", "dev");
    expect((await dev("POST", `${UC}/volumes`, { body })).body).toMatchObject({
      full_name: "dev.bronze.files",
      volume_type: "MANAGED",
      owner: DEV_ID,
    });
    await dev("PATCH", `${UC}/volumes/dev.bronze.files`, { body: { comment: "c" } });
    expect((await dev("GET", `${UC}/volumes/dev.bronze.files`)).body).toMatchObject({ comment: "c" });
    await dev("DELETE", `${UC}/volumes/dev.bronze.files`);
    expect((await dev("GET", `${UC}/volumes/dev.bronze.files`)).status).toBe(404);
  });

  it("has a place of its own if it is external, and none if it is managed", async () => {
    const simulator = await start(estate());
    const dev = as(simulator, "ml-pipelines-dev", "dev");
    const here = { storage_location: "s3://bucket/files" };
    expect((await dev("POST", `${UC}/volumes`, { body: { ...body, ...here } })).body["message"]).toContain(
      "storage_location can not be provided",
    );
    const external = { ...body, volume_type: "EXTERNAL" };
    expect((await dev("POST", `${UC}/volumes`, { body: external })).status).toBe(400);
    expect((await dev("POST", `${UC}/volumes`, { body: { ...external, ...here } })).body).toMatchObject(here);
  });

  it("needs the schema, and the right to make one in it", async () => {
    const simulator = await start(estate());
    const dev = as(simulator, "ml-pipelines-dev", "dev");
    const reply = await dev("POST", `${UC}/volumes`, { body: { ...body, schema_name: "gone" } });
    expect([reply.status, reply.body["error_code"]]).toEqual([404, "SCHEMA_DOES_NOT_EXIST"]);
    const otto = as(simulator, "otto@example.com", "dev");
    expect((await otto("POST", `${UC}/volumes`, { body })).body["message"]).toBe(
      "User does not have USE SCHEMA on Schema 'dev.bronze'.",
    );
  });
});

describe("a registered model", () => {
  it("is made, read as one, and is a function to the permissions API", async () => {
    const simulator = await start(estate());
    const dev = as(simulator, "ml-pipelines-dev", "dev");
    const body = { catalog_name: "dev", schema_name: "bronze", name: "churn", comment: "c" };
    expect((await dev("POST", `${UC}/models`, { body })).body).toMatchObject({ full_name: "dev.bronze.churn" });
    expect((await dev("GET", `${UC}/models/dev.bronze.churn?include_aliases=false`)).body).toMatchObject({
      comment: "c",
    });
    const changes = [{ principal: "mona@example.com", add: ["EXECUTE"] }];
    expect((await dev("PATCH", `${UC}/permissions/function/dev.bronze.churn`, { body: { changes } })).status).toBe(200);
    await dev("DELETE", `${UC}/models/dev.bronze.churn`);
    expect((await dev("GET", `${UC}/models/dev.bronze.churn`)).status).toBe(404);
  });
});
