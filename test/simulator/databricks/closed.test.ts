/** The closed world of the simulated account: whatever is not modelled is refused by name, and remembered. */
import { afterEach, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../simulator/json.ts";
import { modelledRoutes } from "../../../simulator/databricks/server.ts";
import { objects, open, withUnknown } from "../schemas.ts";
import { closeAll, request, scenario, start } from "./harness.ts";

afterEach(closeAll);

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
    return request(`${url}${concrete(path)}${query}`, method, all, body as Json | undefined);
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
