/** The closed world of the simulated account: whatever is not modelled is refused by name, and remembered. */
import { afterEach, describe, expect, it } from "vitest";
import { modelledRoutes } from "../../../simulator/databricks/server.ts";
import type { Json, JsonObject } from "../../../simulator/json.ts";
import { objects, open, withUnknown } from "../schemas.ts";
import { as, closeAll, request, scenario, start } from "./harness.ts";

afterEach(closeAll);

const FORM = "application/x-www-form-urlencoded";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const routes = modelledRoutes();
const concrete = (path: string): string => path.replaceAll(/\{[^}]+\}/g, "1");
const json = routes.flatMap(({ route, body }) => (body === undefined || body === "bytes" ? [] : [{ route, body }]));

async function door() {
  const simulator = await start(
    scenario({ catalogs: { dev: { owner: "ml-pipelines-dev", schemas: { gold: { tables: { t: {} } } } } } }),
  );
  const token = simulator.tokenFor("ml-pipelines-dev");
  const url = simulator.workspaces["dev"]?.url ?? "";
  const ask = (route: string, query = "", body?: unknown, headers: Record<string, string> = {}) => {
    const [method = "", path = ""] = route.split(" ");
    const all = { authorization: `Bearer ${token}`, ...headers };
    return request(`${url}${concrete(path)}${query}`, method, all, body as Json | FormData | undefined);
  };
  return { simulator, ask };
}

describe("a route's body", () => {
  it.each(json)("of $route is closed at every level", ({ body }) => {
    expect(open(body)).toEqual([]);
  });

  it("is refused by the name of an unknown field, at every level of every route", async () => {
    const { simulator, ask } = await door();
    let tried = 0;
    for (const { route, body } of json) {
      for (const path of objects(body)) {
        const before = simulator.unmodelled.length;
        const reply = await ask(route, "", withUnknown(path));
        const named = [...path, "colour"].join(".");
        expect([route, named, reply.status]).toEqual([route, named, 400]);
        expect(reply.body["message"]).toContain(`field ${named} of ${route.split(" ")[0]}`);
        expect(simulator.unmodelled.slice(before)).toEqual([reply.body["message"]]);
        tried += 1;
      }
    }
    // jobs alone have more than this; fewer would mean that the walk stopped early
    expect(tried).toBeGreaterThan(150);
  });

  it.each(["__proto__", "constructor"])(
    "with a key %s, that a record would drop, is refused by its name",
    async (key) => {
      const { simulator, ask } = await door();
      const body = JSON.parse(`{"name": "p", "tags": {"${key}": "x"}}`) as JsonObject;
      expect((await ask("POST /api/2.0/pipelines", "", body)).status).toBe(400);
      expect(simulator.unmodelled).toEqual([expect.stringContaining(`a key ${key} in the body`)]);
    },
  );

  it("is refused where there is none", async () => {
    const { simulator, ask } = await door();
    for (const { route } of routes.filter(({ route, body }) => body === undefined && !route.startsWith("GET"))) {
      expect((await ask(route, "", { colour: "red" })).body["message"]).toContain("models no body");
    }
    expect(simulator.unmodelled.length).toBeGreaterThan(0);
  });

  it("of the token endpoint takes the fields of OAuth and no other", async () => {
    const { simulator } = await door();
    const { clientId, clientSecret } = simulator.credentials("ml-pipelines-dev");
    const reply = await request(
      `${simulator.workspaces["dev"]?.url}/oidc/v1/token`,
      "POST",
      {
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      Buffer.from("grant_type=client_credentials&scope=all-apis&colour=red"),
    );
    expect(reply.status).toBe(400);
    expect(simulator.unmodelled).toEqual([expect.stringContaining("form field colour")]);
  });
});

const TWO_WORKSPACES = {
  "x-databricks-workspace-id": "1111111111111111",
  "x-databricks-org-id": "3333333333333333",
};
const TASKS = [{ task_key: "a", notebook_task: { notebook_path: "/a" } }];

describe("a body", () => {
  it.each([
    ["of another type", "POST /api/2.2/jobs/create", '{"name":"a"}', "text/plain", "text/plain for the body of"],
    ["as a form", "POST /api/2.2/jobs/delete", "job_id=1", "application/x-www-form-urlencoded", "for the body of"],
    [
      "with a key twice",
      "POST /api/2.2/jobs/create",
      '{"name":"a","name":"b"}',
      "application/json",
      "a key name twice",
    ],
    [
      "with a key twice, deep in it",
      "POST /api/2.2/jobs/create",
      '{"tags":{"a":"{","b":"\\""},"queue":{"enabled":true,"enabled":false}}',
      "application/json",
      "a key enabled twice",
    ],
    [
      "with parameters of a run that nothing follows",
      "POST /api/2.2/jobs/run-now",
      '{"job_id":1,"python_params":["x"]}',
      "application/json",
      "field python_params",
    ],
    [
      "for a result by links",
      "POST /api/2.0/sql/statements",
      '{"warehouse_id":"w","statement":"select 1","disposition":"EXTERNAL_LINKS"}',
      "application/json",
      "the disposition EXTERNAL_LINKS",
    ],
    [
      "for a result as a table of Arrow",
      "POST /api/2.0/sql/statements",
      '{"warehouse_id":"w","statement":"select 1","format":"ARROW_STREAM"}',
      "application/json",
      "the format ARROW_STREAM",
    ],
  ])("%s is refused by its name", async (_what, route, body, type, says) => {
    const { simulator, ask } = await door();
    expect((await ask(route, "", Buffer.from(body), { "content-type": type })).status).toBe(400);
    expect(simulator.unmodelled).toEqual([expect.stringContaining(says)]);
  });

  it.each(["/Users//a", "/Users/a/", "//Users", "/Users/a\u0000b"])(
    "with the path %j is refused by its name",
    async (path) => {
      const { simulator, ask } = await door();
      expect((await ask("POST /api/2.0/workspace/mkdirs", "", { path })).status).toBe(400);
      expect(simulator.unmodelled).toEqual([expect.stringContaining("the path")]);
    },
  );

  it("with two paths in one form is refused by its name, and one that overwrites perhaps", async () => {
    const { simulator, ask } = await door();
    const form = new FormData();
    for (const path of ["/a", "/b"]) form.append("path", path);
    await ask("POST /api/2.0/workspace/import", "", form);
    expect(simulator.unmodelled).toEqual([expect.stringContaining("form field path")]);
    form.delete("path");
    form.set("path", "/a");
    form.set("overwrite", "perhaps");
    expect((await ask("POST /api/2.0/workspace/import", "", form)).body["message"]).toContain("overwrite must be");
  });

  it.each([
    ["a list for the whole", "POST /api/2.2/jobs/create", []],
    [
      "a list for an object in it",
      "POST /api/2.2/jobs/create",
      { tasks: [{ task_key: "a", email_notifications: [] }] },
    ],
    ["a format that does not exist", "POST /api/2.2/jobs/create", { format: "COLOUR", tasks: TASKS }],
  ])("with %s is wrong on the service, too", async (_what, route, body) => {
    const { simulator, ask } = await door();
    expect((await ask(route, "", body)).body["error_code"]).toBe("INVALID_PARAMETER_VALUE");
    expect(simulator.unmodelled).toEqual([]);
  });

  it.each([
    ["another scope", "client_credentials&scope=sql", "scope 'sql'"],
    ["a scope beside its own", "client_credentials&scope=all-apis+offline_access", "scope 'all-apis offline_access'"],
    [
      "a field of the other grant",
      "client_credentials&scope=all-apis&subject_token=x",
      "subject_token with grant_type",
    ],
    ["another kind of token", `${EXCHANGE}&scope=all-apis&requested_token_type=colour`, "requested_token_type colour"],
    ["the wrong content type", "client_credentials&scope=all-apis", "content type text/plain", "text/plain"],
  ])("of the token endpoint with %s is refused by its name", async (_what, grant, says, type = FORM) => {
    const { simulator } = await door();
    const { clientId, clientSecret } = simulator.credentials("ml-pipelines-dev");
    const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    const url = `${simulator.workspaces["dev"]?.url}/oidc/v1/token`;
    const headers = { authorization, "content-type": type };
    expect((await request(url, "POST", headers, Buffer.from(`grant_type=${grant}`))).status).toBe(400);
    expect(simulator.unmodelled).toEqual([expect.stringContaining(says)]);
  });

  it("of the token endpoint that names two clients is wrong on the service, too", async () => {
    const { simulator } = await door();
    const { clientId, clientSecret } = simulator.credentials("ml-pipelines-dev");
    const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    const url = `${simulator.workspaces["dev"]?.url}/oidc/v1/token`;
    const form = Buffer.from("grant_type=client_credentials&scope=all-apis&client_id=other");
    const reply = await request(url, "POST", { authorization, "content-type": FORM }, form);
    expect(reply.body["error"]).toBe("invalid_request");
    expect(simulator.unmodelled).toEqual([]);
  });
});

describe("a page", () => {
  it.each([
    ["another name of jobs", "/api/2.2/jobs/list", "?limit=1", "?limit=1&name=b"],
    ["another filter of pipelines", "/api/2.0/pipelines", "?max_results=1", "?max_results=1&filter=name LIKE 'b'"],
    [
      "the tables of another schema",
      "/api/2.1/unity-catalog/tables",
      "?catalog_name=dev&schema_name=gold&max_results=1",
      "?catalog_name=dev&schema_name=silver&max_results=1",
    ],
    ["another kind of list", "/api/2.0/pipelines", "?max_results=1", "?limit=1", "/api/2.2/jobs/list"],
  ])("of %s is not where a token leads", async (_what, path, first, second, other = path) => {
    const tables = { t: {}, u: {} };
    const simulator = await start(
      scenario({
        catalogs: { dev: { owner: "ml-pipelines-dev", schemas: { gold: { tables }, silver: { tables } } } },
        jobs: { dev: ["a", "b"].map((name) => ({ owner: "ml-pipelines-dev", settings: { name, tasks: TASKS } })) },
        pipelines: {
          dev: ["a", "b"].map((name) => ({
            owner: "ml-pipelines-dev",
            spec: { name, catalog: "dev", schema: "gold" },
          })),
        },
      }),
    );
    const ask = as(simulator, "ml-pipelines-dev", "dev");
    const { next_page_token: token } = (await ask("GET", `${path}${first}`)).body;
    expect(token).toEqual(expect.any(String));
    expect((await ask("GET", `${path}${first}&page_token=${token as string}`)).status).toBe(200);
    const reply = await ask("GET", `${other}${second}&page_token=${token as string}`);
    expect(reply.body["message"]).toBe("Invalid page_token.");
    expect(simulator.unmodelled).toEqual([]);
  });

  it.each([
    ["a kind of run", "GET /api/2.2/jobs/runs/list", "?run_type=COLOUR"],
    ["a direction", "GET /api/2.0/pipelines", "?order_by=name sideways"],
    ["two orders", "GET /api/2.0/pipelines", "?order_by=name asc, id desc"],
    ["a size below one", "GET /api/2.0/alerts", "?page_size=-1"],
  ])("with %s that does not exist is wrong on the service, too", async (_what, route, query) => {
    const { simulator, ask } = await door();
    expect((await ask(route, query)).body["error_code"]).toBe("INVALID_PARAMETER_VALUE");
    expect(simulator.unmodelled).toEqual([]);
  });
});

describe("what is asked", () => {
  it("with an unknown query parameter is refused by its name, on every route", async () => {
    const { simulator, ask } = await door();
    for (const { route } of routes) {
      const before = simulator.unmodelled.length;
      expect([route, (await ask(route, "?colour=red")).status]).toEqual([route, 400]);
      expect(simulator.unmodelled.slice(before)).toEqual([expect.stringContaining("query parameter colour")]);
    }
  });

  it.each([
    "GET /api/2.0/clusters/list",
    "GET /api/2.1/jobs/list",
    "PATCH /api/2.2/jobs/get",
    "GET /api/2.0/sql/warehouses",
    "GET /api/2.1/unity-catalog/connections",
    "GET //api/2.2/jobs/list",
  ])("of %s is refused by its name", async (route) => {
    const { simulator, ask } = await door();
    expect((await ask(route)).status).toBe(501);
    expect(simulator.unmodelled).toEqual([`the simulator does not model ${route}`]);
  });

  it.each([
    ["a SCIM filter", "GET /api/2.0/preview/scim/v2/Groups", '?filter=displayName co "x"'],
    ["a pipeline filter", "GET /api/2.0/pipelines", "?filter=colour LIKE 'x'"],
    ["a parameter given twice", "GET /api/2.2/jobs/list", "?name=a&name=b"],
    ["a filter of pipeline events", "GET /api/2.0/pipelines/{pipeline}/events", "?filter=colour='x'"],
    ["a format of export", "GET /api/2.0/workspace/export", "?path=/x&format=DBC"],
    ["a workspace", "GET /api/2.2/jobs/list", "", { "x-databricks-workspace-id": "9" }],
    ["a kind of securable", "GET /api/2.1/unity-catalog/permissions/connection/x", ""],
    ["a kind of binding", "GET /api/2.1/unity-catalog/bindings/colour/x", ""],
    ["a SCIM attribute", "GET /api/2.0/preview/scim/v2/Groups", "?attributes=displayName,colour"],
    ["a slash at the end", "GET /api/2.2/jobs/list/", ""],
    ["another workspace beside its own", "GET /api/2.2/jobs/list", "", TWO_WORKSPACES],
  ] as const)(
    "with %s that is not modelled is refused by its name",
    async (_what, route, query, headers?: Record<string, string>) => {
      const { simulator, ask } = await door();
      let path: string = route;
      if (route.includes("{pipeline}")) {
        const { body } = await ask("POST /api/2.0/pipelines", "", { name: "p", catalog: "dev", schema: "gold" });
        path = route.replace("{pipeline}", body["pipeline_id"] as string);
      }
      await ask(path, query.replaceAll(" ", "%20"), undefined, headers);
      expect(simulator.unmodelled).toHaveLength(1);
    },
  );
});
