import { afterEach, describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../../../simulator/databricks/scenario.ts";
import type { JsonObject } from "../../../simulator/json.ts";
import { as, closeAll, DEV_ID, PROD_ID, scenario, start } from "./harness.ts";

afterEach(closeAll);

const UC = "/api/2.1/unity-catalog";

/** A dev catalog with everything in it, a prod catalog bound to prod only. */
function estate(more: Partial<DatabricksScenario> = {}): DatabricksScenario {
  return scenario({
    users: { "mona@example.com": {}, "root@example.com": {}, "otto@example.com": {} },
    groups: {
      "metastore-admins": { members: ["root@example.com"] },
      scientists: { members: ["everybody"] },
      everybody: { members: ["mona@example.com", "scientists"] },
      "dev-local": { workspace: "dev", members: ["mona@example.com"] },
    },
    catalogs: {
      dev: {
        owner: "ml-pipelines-dev",
        grants: { scientists: ["USE_CATALOG"] },
        schemas: {
          bronze: {
            grants: { scientists: ["USE_SCHEMA", "SELECT"] },
            tables: { events: { columns: { id: "bigint" } }, copy: { type: "MANAGED_SHALLOW_CLONE" } },
            volumes: { landing: {} },
            functions: { f: {} },
            models: { churn: { grants: { "ml-pipelines-prod": ["EXECUTE"] } } },
          },
          gold: { tables: { scores: {} } },
        },
      },
      prod: {
        owner: "ml-pipelines-prod",
        isolation: "ISOLATED",
        bindings: { prod: "READ_WRITE" },
        grants: { "otto@example.com": ["ALL_PRIVILEGES"] },
        schemas: { gold: { tables: { scores: {} } } },
      },
    },
    ...more,
  });
}

async function world(more: Partial<DatabricksScenario> = {}) {
  const simulator = await start(estate(more));
  const call = (principal: string, workspace = "dev") => as(simulator, principal, workspace);
  const names = async (principal: string, path: string, workspace = "dev") => {
    const { body } = await call(principal, workspace)("GET", `${UC}/${path}`);
    const [list = []] = Object.values(body).filter((value) => Array.isArray(value));
    return (list as JsonObject[]).map(({ name }) => name);
  };
  const grants = async (principal: string, path: string, workspace = "dev") =>
    (await call(principal, workspace)("GET", `${UC}/permissions/${path}`)).body;
  return { simulator, call, names, grants };
}

describe("what is listed", () => {
  it("is what the caller may see, by grants through nested and circular groups", async () => {
    const { names } = await world();
    expect(await names("ml-pipelines-dev", "catalogs")).toEqual(["dev"]);
    expect(await names("mona@example.com", "catalogs")).toEqual(["dev"]);
    expect(await names("otto@example.com", "catalogs")).toEqual([]);
    expect(await names("mona@example.com", "schemas?catalog_name=dev")).toEqual(["information_schema", "bronze"]);
    expect(await names("ml-pipelines-dev", "schemas?catalog_name=dev")).toEqual([
      "information_schema",
      "bronze",
      "gold",
    ]);
    expect(await names("mona@example.com", "tables?catalog_name=dev&schema_name=bronze")).toEqual(["events", "copy"]);
    expect(await names("mona@example.com", "volumes?catalog_name=dev&schema_name=bronze")).toEqual([]);
    expect(await names("ml-pipelines-dev", "models?catalog_name=dev&schema_name=bronze")).toEqual(["churn"]);
  });

  it("has no key when it is empty", async () => {
    const { call } = await world();
    expect((await call("otto@example.com")("GET", `${UC}/catalogs`)).text).toBe("{}");
  });

  it("says with BROWSE that there is something, and no more", async () => {
    const { simulator, call } = await world();
    simulator.world.grant("dev", "otto@example.com", ["BROWSE"]);
    expect((await call("otto@example.com")("GET", `${UC}/catalogs`)).body).toEqual({});
    const { body } = await call("otto@example.com")("GET", `${UC}/catalogs?include_browse=true`);
    expect(body).toMatchObject({ catalogs: [{ name: "dev", browse_only: true }] });
  });

  it("comes in the server's pages, which may be empty", async () => {
    const catalogs = Object.fromEntries(["a", "b", "c"].map((name) => [name, { owner: "ml-pipelines-dev" }]));
    const { call } = await world({ catalogs, page_size: 2, behaviours: { empty_pages: true } });
    const pages: unknown[] = [];
    let token = "";
    do {
      const { body } = await call("ml-pipelines-dev")("GET", `${UC}/catalogs?max_results=0${token}`);
      pages.push(((body["catalogs"] ?? []) as JsonObject[]).map(({ name }) => name));
      const next = body["next_page_token"] as string | undefined;
      token = next === undefined ? "" : `&page_token=${next}`;
    } while (token !== "");
    expect(pages).toEqual([[], ["a", "b"], ["c"]]);
    expect((await call("ml-pipelines-dev")("GET", `${UC}/catalogs?max_results=-1`)).status).toBe(400);
  });

  it("shows what the object is: table type, isolation, owner by application id", async () => {
    const { call } = await world();
    const get = async (path: string) => (await call("ml-pipelines-dev")("GET", `${UC}/${path}`)).body;
    expect(await get("catalogs/dev")).toMatchObject({
      owner: DEV_ID,
      isolation_mode: "OPEN",
      catalog_type: "MANAGED_CATALOG",
    });
    expect(await get("tables/dev.bronze.copy")).toMatchObject({
      table_type: "MANAGED_SHALLOW_CLONE",
      schema_name: "bronze",
    });
    expect(await get("tables/dev.bronze.events")).toMatchObject({ columns: [{ name: "id", type_text: "bigint" }] });
  });

  it("is refused by the right that is missing, or by what is not there", async () => {
    const { call } = await world();
    const get = async (principal: string, path: string) => {
      const { status, body } = await call(principal)("GET", `${UC}/${path}`);
      return [status, body["error_code"], body["message"]];
    };
    expect(await get("otto@example.com", "catalogs/dev")).toEqual([
      403,
      "PERMISSION_DENIED",
      "User does not have USE CATALOG on Catalog 'dev'.",
    ]);
    expect(await get("mona@example.com", "tables/dev.gold.scores")).toEqual([
      403,
      "PERMISSION_DENIED",
      "User does not have USE SCHEMA on Schema 'dev.gold'.",
    ]);
    expect(await get("mona@example.com", "catalogs/none")).toEqual([
      404,
      "CATALOG_DOES_NOT_EXIST",
      "Catalog 'none' does not exist.",
    ]);
    expect((await get("mona@example.com", "schemas/dev.none"))[1]).toBe("SCHEMA_DOES_NOT_EXIST");
    expect((await get("mona@example.com", "tables/dev.bronze.none"))[1]).toBe("TABLE_DOES_NOT_EXIST");
  });
});

describe("a binding", () => {
  it("wins over every grant: from elsewhere the catalog is not there", async () => {
    const { call, names } = await world();
    expect(await names("otto@example.com", "catalogs", "prod")).toEqual(["prod"]);
    expect(await names("otto@example.com", "catalogs", "dev")).toEqual([]);
    const seen = await call("otto@example.com", "dev")("GET", `${UC}/tables/prod.gold.scores`);
    expect(seen.body["message"]).toBe("Catalog 'prod' is not accessible in current workspace");
    expect((await call("otto@example.com", "dev")("GET", `${UC}/permissions/catalog/prod`)).status).toBe(403);
  });

  it("leaves the metastore admin the catalog, without children", async () => {
    const { names, call } = await world();
    expect(await names("root@example.com", "catalogs", "dev")).toEqual(["dev"]);
    expect(await names("root@example.com", "catalogs?include_unbound=true", "dev")).toEqual(["dev", "prod"]);
    expect((await call("root@example.com", "dev")("GET", `${UC}/catalogs/prod`)).status).toBe(200);
    expect(await names("root@example.com", "schemas?catalog_name=prod", "dev")).toEqual([]);
    expect((await call("root@example.com", "dev")("GET", `${UC}/schemas/prod.gold`)).status).toBe(403);
  });

  it("is read and changed by who manages the catalog; read-only forbids writing from there", async () => {
    const { call } = await world();
    const path = `${UC}/bindings/catalog/prod`;
    expect((await call("otto@example.com", "prod")("GET", path)).status).toBe(403);
    const mine = call("ml-pipelines-prod", "prod");
    expect((await mine("GET", path)).text).toContain(
      '"workspace_id":3333333333333333,"binding_type":"BINDING_TYPE_READ_WRITE"',
    );
    const add = [
      { workspace_id: 3333333333333333, binding_type: "BINDING_TYPE_READ_ONLY" },
      { workspace_id: 1111111111111111 },
    ];
    expect((await mine("PATCH", path, { body: { add } })).body["bindings"]).toHaveLength(2);
    const grant = { changes: [{ principal: "mona@example.com", add: ["USE_CATALOG"] }] };
    expect((await mine("PATCH", `${UC}/permissions/catalog/prod`, { body: grant })).status).toBe(403);
    expect((await call("otto@example.com", "dev")("GET", `${UC}/catalogs/prod`)).status).toBe(200);
  });

  it("is made by isolating", async () => {
    const { call } = await world();
    const mine = call("ml-pipelines-dev");
    await mine("PATCH", `${UC}/catalogs/dev`, { body: { isolation_mode: "ISOLATED" } });
    expect((await mine("GET", `${UC}/bindings/catalog/dev`)).body["bindings"]).toHaveLength(1);
  });
});

describe("grants", () => {
  it("are direct only, without the owner, as {} when there are none", async () => {
    const { grants } = await world();
    expect(await grants("ml-pipelines-dev", "catalog/dev")).toEqual({
      privilege_assignments: [{ principal: "scientists", privileges: ["USE_CATALOG"] }],
    });
    expect(await grants("ml-pipelines-dev", "table/dev.bronze.events")).toEqual({});
    expect(await grants("ml-pipelines-dev", "function/dev.bronze.churn")).toEqual({
      privilege_assignments: [{ principal: PROD_ID, privileges: ["EXECUTE"] }],
    });
    expect(await grants("ml-pipelines-dev", "SCHEMA/dev.gold")).toEqual({});
  });

  it.each([
    ["forbidden", { error_code: "PERMISSION_DENIED" }],
    ["own", { privilege_assignments: [{ principal: "scientists" }] }],
  ] as const)("of others are %s for who does not manage the object [?]", async (grants_of_others, expected) => {
    const { grants, simulator } = await world({ behaviours: { grants_of_others } });
    simulator.world.grant("dev", "otto@example.com", ["SELECT"]);
    const seen = await grants("mona@example.com", "catalog/dev");
    expect(seen).toMatchObject(expected);
    expect(JSON.stringify(seen)).not.toContain("otto");
  });

  it("are paged at 150 or more, and 1 to 149 is an error", async () => {
    const users = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`u${index}@example.com`, {}]));
    const { simulator, call } = await world({ users: { ...estate().users, ...users } });
    for (const user of Object.keys(users)) simulator.world.grant("dev", user, ["USE_CATALOG"]);
    const get = (query: string) => call("ml-pipelines-dev")("GET", `${UC}/permissions/catalog/dev${query}`);
    expect((await get("?max_results=149")).status).toBe(400);
    expect((await get("")).body["privilege_assignments"]).toHaveLength(201);
    const first = (await get("?max_results=150")).body;
    const second = (await get(`?max_results=150&page_token=${first["next_page_token"] as string}`)).body;
    const principals = [first, second].flatMap((page) =>
      (page["privilege_assignments"] as JsonObject[]).map(({ principal }) => principal as string),
    );
    expect(new Set(principals).size).toBe(201);
    expect(principals).not.toEqual([...principals].sort());
  });

  it("are changed all or not at all", async () => {
    const { call, simulator } = await world();
    const patch = (...changes: JsonObject[]) =>
      call("ml-pipelines-dev")("PATCH", `${UC}/permissions/catalog/dev`, { body: { changes } });
    const clash = { principal: "scientists", add: ["SELECT"], remove: ["select"] };
    expect((await patch({ principal: "otto@example.com", add: ["SELECT"] }, clash)).body).toMatchObject({
      error_code: "INVALID_PARAMETER_VALUE",
      message: expect.stringMatching(/^Duplicate privileges to add and delete/) as string,
    });
    expect((await patch({ principal: "dev-local", add: ["SELECT"] })).body).toMatchObject({
      error_code: "PRINCIPAL_DOES_NOT_EXIST",
    });
    expect((await patch({ principal: "otto@example.com", add: ["CREATE_CATALOG"] })).status).toBe(400);
    expect(simulator.world.grants("dev")).toEqual({ scientists: ["USE_CATALOG"] });
    const done = await patch(
      { principal: "SCIENTISTS", add: ["all privileges"] },
      { principal: "otto@example.com", remove: ["SELECT"] },
    );
    expect(done.body).toEqual({
      privilege_assignments: [{ principal: "scientists", privileges: ["ALL_PRIVILEGES", "USE_CATALOG"] }],
    });
  });

  it("lose with ALL_PRIVILEGES everything but MANAGE and EXTERNAL_USE_SCHEMA", async () => {
    const { call, simulator } = await world();
    simulator.world.grant("dev", "otto@example.com", ["ALL_PRIVILEGES", "SELECT", "MANAGE", "EXTERNAL_USE_SCHEMA"]);
    const changes = [{ principal: "otto@example.com", remove: ["ALL_PRIVILEGES"], add: ["USE_CATALOG"] }];
    await call("ml-pipelines-dev")("PATCH", `${UC}/permissions/catalog/dev`, {
      body: { changes, omit_permissions_in_response: true },
    });
    expect(simulator.world.grants("dev")["otto@example.com"]).toEqual(["EXTERNAL_USE_SCHEMA", "MANAGE", "USE_CATALOG"]);
  });

  it("are given by who manages: the owner above, MANAGE with its USE, the metastore admin, and nobody else", async () => {
    const { call, simulator } = await world();
    const changes = [{ principal: "otto@example.com", add: ["SELECT"] }];
    const path = `${UC}/permissions/table/dev.gold.scores`;
    const grant = async (principal: string) => (await call(principal)("PATCH", path, { body: { changes } })).status;
    expect(await grant("ml-pipelines-dev")).toBe(200);
    expect(await grant("root@example.com")).toBe(200);
    expect(await grant("mona@example.com")).toBe(403);
    simulator.world.grant("dev.gold.scores", "mona@example.com", ["MANAGE"]);
    expect(await grant("mona@example.com")).toBe(403);
    simulator.world.grant("dev.gold", "mona@example.com", ["USE_SCHEMA"]);
    expect(await grant("mona@example.com")).toBe(200);
  });

  it("of deleted principals are there by id only, and go by it", async () => {
    const catalogs = {
      dev: { owner: "ml-pipelines-dev", orphans: [{ principal_id: "4100200300400599", privileges: ["SELECT"] }] },
    };
    const { call, grants } = await world({ catalogs });
    expect(await grants("ml-pipelines-dev", "catalog/dev")).toEqual({
      privilege_assignments: [{ principal: "", principal_id: 4100200300400599, privileges: ["SELECT"] }],
    });
    const changes = [{ principal_id: 4100200300400599, remove: ["SELECT"] }];
    const patched = await call("ml-pipelines-dev")("PATCH", `${UC}/permissions/catalog/dev`, { body: { changes } });
    expect(patched.body).toEqual({});
  });

  it("may be read stale after a write", async () => {
    const { grants, simulator, call } = await world();
    simulator.world.grant("dev", "scientists", ["SELECT"]);
    const changes = [{ principal: "scientists", remove: ["SELECT", "USE_CATALOG"] }];
    await call("ml-pipelines-dev")("PATCH", `${UC}/permissions/catalog/dev`, { body: { changes } });
    simulator.fault({ method: "GET", path: `${UC}/permissions/*`, effect: "stale" });
    expect(await grants("ml-pipelines-dev", "catalog/dev")).toEqual({
      privilege_assignments: [{ principal: "scientists", privileges: ["SELECT", "USE_CATALOG"] }],
    });
    expect(await grants("ml-pipelines-dev", "catalog/dev")).toEqual({});
  });

  it("are shown effective with where they come from, ALL_PRIVILEGES unexpanded, only what fits", async () => {
    const { call, simulator } = await world();
    simulator.world.grant("dev", "otto@example.com", ["ALL_PRIVILEGES", "USE_CATALOG", "BROWSE"]);
    const get = (principal: string, query: string) =>
      call(principal)("GET", `${UC}/effective-permissions/table/dev.bronze.events${query}`);
    expect((await get("ml-pipelines-dev", "?principal=otto@example.com")).body).toEqual({
      privilege_assignments: [
        {
          principal: "otto@example.com",
          privileges: [{ privilege: "ALL_PRIVILEGES", inherited_from_type: "CATALOG", inherited_from_name: "dev" }],
        },
      ],
    });
    expect((await get("mona@example.com", "?principal=me")).body).toEqual({
      privilege_assignments: [
        {
          principal: "scientists",
          privileges: [{ privilege: "SELECT", inherited_from_type: "SCHEMA", inherited_from_name: "dev.bronze" }],
        },
      ],
    });
    expect((await get("mona@example.com", "?principal=otto@example.com")).status).toBe(403);
  });
});

describe("the metastore", () => {
  it("says who owns it, and lets its admin see all", async () => {
    const { call, names, grants } = await world();
    const summary = (await call("mona@example.com")("GET", `${UC}/metastore_summary`)).body;
    expect(summary).toMatchObject({
      owner: "metastore-admins",
      privilege_model_version: "1.0",
      external_access_enabled: false,
    });
    expect(await grants("root@example.com", `metastore/${summary["metastore_id"] as string}`)).toEqual({});
    expect(await names("root@example.com", "tables?catalog_name=dev&schema_name=gold")).toEqual(["scores"]);
  });
});
