import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DatabricksSimulator } from "../../../simulator/databricks/server.ts";
import { as, closeAll, DEV_ID, type Reply, request, scenario, start } from "./harness.ts";

const ISSUER = "https://token.actions.githubusercontent.com";
const SUBJECT = "repo:acme/ml-pipelines:environment:dev";
const JWT = "urn:ietf:params:oauth:token-type:jwt";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

afterEach(closeAll);

function ask(
  simulator: DatabricksSimulator,
  workspace: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const url = `${simulator.workspaces[workspace]?.url}/oidc/v1/token`;
  const body = new TextEncoder().encode(new URLSearchParams(form).toString());
  return request(url, "POST", { "content-type": "application/x-www-form-urlencoded", ...headers }, body);
}

const tokenIn = ({ body }: Reply) => body["access_token"] as string;
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
});
const CREDENTIALS = { grant_type: "client_credentials", scope: "all-apis" };

describe("client credentials", () => {
  it("give a token that proves who and where we are", async () => {
    const simulator = await start();
    const token = await ask(simulator, "dev", CREDENTIALS, basic(DEV_ID, "dev-secret"));
    expect(token.status).toBe(200);
    expect(token.body).toMatchObject({ token_type: "Bearer", expires_in: 3600, scope: "all-apis" });
    const me = await request(`${simulator.workspaces["dev"]?.url}/api/2.0/preview/scim/v2/Me`, "GET", {
      authorization: `Bearer ${tokenIn(token)}`,
    });
    expect(me.body).toMatchObject({ userName: DEV_ID, displayName: "ml-pipelines-dev", active: true });
    expect(me.headers.get("x-databricks-org-id")).toBe("1111111111111111");
  });

  it.each([
    ["a wrong secret", basic(DEV_ID, "no")],
    ["an unknown client", basic("99999999-9999-4999-8999-999999999999", "dev-secret")],
    ["no client", {}],
  ])("are refused with %s, as RFC 6749 says it", async (_name, headers) => {
    const simulator = await start();
    const token = await ask(simulator, "dev", CREDENTIALS, headers);
    expect(token.status).toBe(401);
    expect(token.body).toMatchObject({ error: "invalid_client" });
  });

  it("are refused where the principal is not assigned", async () => {
    const simulator = await start();
    expect((await ask(simulator, "prod", CREDENTIALS, basic(DEV_ID, "dev-secret"))).status).toBe(401);
    const later = await start(scenario({ behaviours: { unassigned_principal: "api" } }));
    expect((await ask(later, "prod", CREDENTIALS, basic(DEV_ID, "dev-secret"))).status).toBe(200);
    expect((await as(later, "ml-pipelines-dev", "prod")("GET", "/api/2.0/preview/scim/v2/Me")).status).toBe(403);
  });

  it("give a token for that workspace only, and only until it expires", async () => {
    const base = scenario();
    const both = {
      ...base.service_principals?.["ml-pipelines-dev"],
      application_id: DEV_ID,
      workspaces: ["dev", "prod"],
    };
    const simulator = await start(
      scenario({ service_principals: { "ml-pipelines-dev": both }, token_lifetime_seconds: 60 }),
    );
    const token = await ask(simulator, "dev", CREDENTIALS, basic(DEV_ID, "dev-secret"));
    const headers = { authorization: `Bearer ${tokenIn(token)}` };
    const me = (workspace: string) =>
      request(`${simulator.workspaces[workspace]?.url}/api/2.0/preview/scim/v2/Me`, "GET", headers);
    expect((await me("dev")).status).toBe(200);
    expect((await me("prod")).body).toMatchObject({ error_code: 403, message: "Invalid access token." });
    simulator.advance(61);
    expect((await me("dev")).status).toBe(401);
  });

  it("are worth nothing once the principal is deactivated", async () => {
    const simulator = await start();
    const call = as(simulator, "ml-pipelines-dev", "dev");
    simulator.world.principal("ml-pipelines-dev").active = false;
    expect((await call("GET", "/api/2.0/preview/scim/v2/Me")).status).toBe(403);
    expect((await ask(simulator, "dev", CREDENTIALS, basic(DEV_ID, "dev-secret"))).status).toBe(401);
  });

  it("leave no trace of the secret or the token in the request log", async () => {
    const simulator = await start();
    const token = await ask(simulator, "dev", CREDENTIALS, basic(DEV_ID, "dev-secret"));
    const log = JSON.stringify(simulator.requests);
    expect(simulator.requests).toMatchObject([
      { server: "dev", method: "POST", status: 200, principal: "ml-pipelines-dev" },
    ]);
    expect(log).not.toContain("dev-secret");
    expect(log).not.toContain(tokenIn(token));
  });
});

describe("token exchange", () => {
  let keys: Server;
  let jwks = "";
  let sign: (
    claims: JWTPayload,
    options?: { audience?: string; issuer?: string; expires?: string; from?: number },
  ) => Promise<string>;

  beforeAll(async () => {
    const pair = await generateKeyPair("RS256");
    const key = { ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256" };
    keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [key] })));
    const { promise, resolve } = Promise.withResolvers<void>();
    keys.listen(0, "127.0.0.1", resolve);
    await promise;
    jwks = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`;
    sign = (claims, { audience = "dbx", issuer = ISSUER, expires = "5m", from = 0 } = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "RS256", kid: "one" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setNotBefore(Math.floor(Date.now() / 1000) + from)
        .setExpirationTime(expires)
        .sign(pair.privateKey);
  });
  afterAll(() => keys.close());

  const federated = (subject_claim?: string) =>
    start(
      scenario({
        issuers: { [ISSUER]: { jwks_url: jwks } },
        service_principals: {
          "ml-pipelines-dev": {
            application_id: DEV_ID,
            workspaces: ["dev"],
            federation: [
              { issuer: ISSUER, audiences: ["dbx"], subject: SUBJECT, ...(subject_claim ? { subject_claim } : {}) },
            ],
          },
        },
      }),
    );
  const exchange = (simulator: DatabricksSimulator, subject_token: string) =>
    ask(simulator, "dev", {
      grant_type: EXCHANGE,
      subject_token_type: JWT,
      subject_token,
      scope: "all-apis",
      client_id: DEV_ID,
    });

  it("takes a token that the policy describes, without any secret", async () => {
    const simulator = await federated();
    const answer = await exchange(simulator, await sign({ sub: SUBJECT }));
    expect(answer.status).toBe(200);
    expect(simulator.requests.at(-1)).toMatchObject({ principal: "ml-pipelines-dev" });
  });

  it("takes the subject from the claim that the policy names", async () => {
    const simulator = await federated("job_workflow_ref");
    expect((await exchange(simulator, await sign({ sub: "x", job_workflow_ref: SUBJECT }))).status).toBe(200);
    expect((await exchange(simulator, await sign({ sub: SUBJECT, job_workflow_ref: "x" }))).status).toBe(400);
  });

  it("refuses every token that the policy does not describe", async () => {
    const simulator = await federated();
    const other = await generateKeyPair("RS256");
    const forged = await new SignJWT({ sub: SUBJECT })
      .setProtectedHeader({ alg: "RS256", kid: "one" })
      .setIssuer(ISSUER)
      .setAudience("dbx")
      .setExpirationTime("5m")
      .sign(other.privateKey);
    const refused = {
      subject: await sign({ sub: "repo:acme/ml-pipelines:environment:prod" }),
      audience: await sign({ sub: SUBJECT }, { audience: "other" }),
      issuer: await sign({ sub: SUBJECT }, { issuer: "https://evil.example" }),
      expired: await sign({ sub: SUBJECT }, { expires: "-1m" }),
      "not yet": await sign({ sub: SUBJECT }, { from: 120 }),
      forged,
      "no token": "nonsense",
    };
    for (const [why, token] of Object.entries(refused)) {
      const answer = await exchange(simulator, token);
      expect([why, answer.status, answer.body["error"]]).toEqual([why, 400, "invalid_grant"]);
    }
  });
});

describe("SCIM", () => {
  it("finds service principals by display name, two of a name too, in 1-based pages", async () => {
    const ids = Array.from({ length: 3 }, (_, index) => `00000000-0000-4000-8000-00000000000${index}`);
    const twins = Object.fromEntries(
      ids.map((id, index) => [
        `sp${index}`,
        { application_id: id, display_name: index === 0 ? "solo" : "twin", workspaces: ["dev"] },
      ]),
    );
    const simulator = await start(scenario({ service_principals: twins }));
    const call = as(simulator, "sp0", "dev");
    const find = (filter: string, page = "") =>
      call("GET", `/api/2.0/preview/scim/v2/ServicePrincipals?filter=${encodeURIComponent(filter)}${page}`);
    expect((await find('displayName eq "solo"')).body).toMatchObject({
      totalResults: 1,
      Resources: [{ applicationId: ids[0] }],
    });
    expect((await find('displayName eq "twin"')).body).toMatchObject({ totalResults: 2, startIndex: 1 });
    expect((await find('displayName eq "twin"', "&startIndex=2&count=1")).body).toMatchObject({
      itemsPerPage: 1,
      Resources: [{ applicationId: ids[2] }],
    });
  });

  it("gives only the attributes that are asked for", async () => {
    const simulator = await start();
    const call = as(simulator, "mona@example.com", "dev");
    const path = "/api/2.0/preview/scim/v2/Users?attributes=userName";
    expect((await call("GET", path)).body["Resources"]).toEqual([
      { schemas: [expect.any(String)], id: expect.any(String) as string, userName: "mona@example.com" },
    ]);
    const me = (await call("GET", "/api/2.0/preview/scim/v2/Me?excludedAttributes=groups,roles")).body;
    expect(Object.keys(me)).toEqual(expect.not.arrayContaining(["groups", "roles"]));
  });

  it("shows a group's members by kind, and one that holds itself", async () => {
    const groups = {
      outer: { members: ["inner", "mona@example.com", "ml-pipelines-dev"] },
      inner: { members: ["outer"] },
      local: { workspace: "dev", members: [] },
    };
    const simulator = await start(scenario({ groups }));
    const answer = await as(simulator, "mona@example.com", "dev")("GET", "/api/2.0/preview/scim/v2/Groups");
    expect(answer.body).toMatchObject({
      Resources: [
        {
          displayName: "outer",
          members: [
            { display: "inner", $ref: expect.stringMatching(/^Groups\//) as string },
            { display: "Mona", $ref: expect.stringMatching(/^Users\//) as string },
            { display: "ml-pipelines-dev", $ref: expect.stringMatching(/^ServicePrincipals\//) as string },
          ],
        },
        { displayName: "inner", groups: [{ display: "outer" }] },
        { displayName: "local", meta: { resourceType: "WorkspaceGroup" } },
      ],
    });
  });
});

describe("the account's host", () => {
  it("gives tokens for all workspaces and serves the one that the header names", async () => {
    const simulator = await start();
    const url = simulator.accountUrl;
    const config = (await request(`${url}/.well-known/databricks-config`, "GET", {})).body;
    expect(config).toMatchObject({ host_type: "unified", account_id: simulator.accountId });
    const endpoint = (config["oidc_endpoint"] as string).replace("{account_id}", simulator.accountId);
    const found = await request(`${endpoint}/.well-known/oauth-authorization-server`, "GET", {});
    const form = new TextEncoder().encode(new URLSearchParams(CREDENTIALS).toString());
    const headers = { ...basic(DEV_ID, "dev-secret"), "content-type": "application/x-www-form-urlencoded" };
    const token = await request(found.body["token_endpoint"] as string, "POST", headers, form);
    const me = (id: string) =>
      request(`${url}/api/2.0/preview/scim/v2/Me`, "GET", {
        authorization: `Bearer ${tokenIn(token)}`,
        "x-databricks-workspace-id": id,
      });
    expect((await me("1111111111111111")).headers.get("x-databricks-org-id")).toBe("1111111111111111");
    expect((await me("3333333333333333")).status).toBe(403);
    expect((await me("999")).status).toBe(400);
  });
});

describe("the closed world", () => {
  it("refuses by name what is not modelled, and remembers it", async () => {
    const simulator = await start();
    const call = as(simulator, "ml-pipelines-dev", "dev");
    expect((await call("GET", "/api/2.0/clusters/list")).status).toBe(501);
    expect((await call("GET", "/api/2.0/preview/scim/v2/Me?color=red")).status).toBe(400);
    expect(simulator.unmodelled).toEqual([
      "the simulator does not model GET /api/2.0/clusters/list",
      "the simulator does not model the query parameter color of GET /api/2.0/preview/scim/v2/Me",
    ]);
  });

  it("refuses a scenario with a key it does not know", async () => {
    const wrong = { ...scenario(), worskpaces: {} };
    await expect(start(wrong)).rejects.toThrow("unknown key worskpaces");
    const jobs = { dev: [{ owner: "ml-pipelines-dev", settings: { nmae: "score" } }] };
    await expect(start(scenario({ jobs }))).rejects.toThrow("databricks.jobs.dev.0.settings: unknown key nmae");
  });
});
