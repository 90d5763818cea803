import { describe, expect, it } from "vitest";
import { CredentialRefused } from "../../src/databricks/auth-advice.ts";
import { decodeClaims } from "../../src/databricks/auth-github.ts";
import { whoAmI } from "../../src/databricks/identity.ts";
import { json, serve } from "../http/loopback.ts";
import { CLIENT_ID, connectTo, fakeWorkspace, type Routes, SECRET } from "./fake.ts";

const me: Routes[string] = (_request, response) =>
  json(response, 200, { id: "1", userName: CLIENT_ID }, { "x-databricks-org-id": "3333" });
const ME = "GET /api/2.0/preview/scim/v2/Me";
const TOKEN = "POST /oidc/v1/token";

const claims = {
  iss: "https://token.actions.githubusercontent.com",
  aud: "account-1",
  sub: "repo:acme/ml-pipelines:environment:staging",
  repository: "acme/ml-pipelines",
  repository_id: "222",
  repository_owner_id: "111",
};
const jwt = (payload: object): string =>
  ["e30", Buffer.from(JSON.stringify(payload)).toString("base64url"), "c2lnbmF0dXJl"].join(".");

/** GitHub's side: gives the same token for every audience. */
async function github(token: string) {
  const server = await serve((_request, response) => json(response, 200, { value: token }));
  return { ...server, request: { url: `${server.url}/token?api-version=2.0`, token: "canary-request-token" } };
}

describe("client credentials", () => {
  it("asks for a token as the CLI does, once, and calls with it", async () => {
    const { url, seen } = await fakeWorkspace({ [ME]: me });
    const { workspace, log } = connectTo(url);
    expect(await whoAmI(workspace)).toMatchObject({ userName: CLIENT_ID, workspaceId: "3333" });
    await Promise.all([whoAmI(workspace), whoAmI(workspace)]);

    expect(seen.slice(0, 3).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /.well-known/databricks-config",
      "GET /oidc/.well-known/oauth-authorization-server",
      "POST /oidc/v1/token",
    ]);
    const [asked, ...more] = seen.filter(({ path }) => path === "/oidc/v1/token");
    const pair = Buffer.from(`${CLIENT_ID}:${SECRET}`).toString("base64");
    expect(more).toEqual([]);
    expect(asked?.headers.authorization).toBe(`Basic ${pair}`);
    expect(asked?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(asked?.body.toString()).toBe("grant_type=client_credentials&scope=all-apis");
    const calls = seen.filter(({ path }) => path.endsWith("/Me"));
    expect(calls.map(({ headers }) => headers.authorization)).toEqual(
      Array.from({ length: 3 }, () => "Bearer token-1"),
    );
    expect(calls[0]?.headers["user-agent"]).toMatch(
      /^four-tier\/\d+\.\d+\.\d+ node\/[\d.]+ os\/\w+ auth\/oauth-m2m cicd\/github$/,
    );
    expect(log.secrets).toEqual(expect.arrayContaining([SECRET, pair, "token-1"]));
  });

  it("makes one request for a token when many calls start at once", async () => {
    const { url, seen } = await fakeWorkspace({ [ME]: me });
    const { workspace } = connectTo(url);
    await Promise.all(Array.from({ length: 10 }, () => whoAmI(workspace)));
    expect(seen.filter(({ path }) => path === "/oidc/v1/token")).toHaveLength(1);
  });

  it.each([
    ["a number", 600],
    ["a text", "600"],
  ])("renews before a lifetime given as %s ends", async (_what, expires_in) => {
    const { url, seen } = await fakeWorkspace({
      [ME]: me,
      [TOKEN]: (_request, response, count) => json(response, 200, { access_token: `token-${count}`, expires_in }),
    });
    const { workspace, clock } = connectTo(url);
    const tokensAsked = (): number => seen.filter(({ path }) => path === "/oidc/v1/token").length;
    await whoAmI(workspace);
    clock.advance(440_000);
    await whoAmI(workspace);
    expect(tokensAsked()).toBe(1);
    clock.advance(20_000);
    await whoAmI(workspace);
    expect(tokensAsked()).toBe(2);
  });

  it("keeps using a token that is still good when renewing it fails", async () => {
    const { url } = await fakeWorkspace({
      [ME]: me,
      [TOKEN]: (_request, response, count) =>
        count === 1
          ? json(response, 200, { access_token: "token-1", expires_in: 600 })
          : json(response, 401, { error: "invalid_client" }),
    });
    const { workspace, clock } = connectTo(url);
    await whoAmI(workspace);
    clock.advance(500_000);
    await expect(whoAmI(workspace)).resolves.toBeDefined();
    clock.advance(80_000);
    await expect(whoAmI(workspace)).rejects.toThrow(CredentialRefused);
  });

  it.each([
    ["401", 401, { error_code: "UNAUTHENTICATED", message: "Credential was not sent" }],
    ["403 Invalid access token, code as a number", 403, { error_code: 403, message: "Invalid access token." }],
    ["403 expired", 403, { error_code: "UNAUTHENTICATED", message: "Access token is expired." }],
  ])("renews once when the token is refused with %s, even for a create", async (_what, status, body) => {
    const { url, calls } = await fakeWorkspace({
      "POST /api/2.2/jobs/create": (request, response) =>
        request.headers.authorization === "Bearer token-2"
          ? json(response, 200, { job_id: 5 })
          : json(response, status, body),
    });
    const { workspace } = connectTo(url);
    const answer = await workspace.call({ method: "POST", path: "/api/2.2/jobs/create", json: {} });
    expect(answer.json()).toEqual({ job_id: 5 });
    expect(calls).toHaveLength(2);
  });

  it("does not renew again and again, and not for a missing right", async () => {
    const never = await fakeWorkspace({ [ME]: (_request, response) => json(response, 401, { message: "no" }) });
    await expect(whoAmI(connectTo(never.url).workspace)).rejects.toThrow("401");
    expect(never.calls).toHaveLength(2);
    const denied = await fakeWorkspace({
      [ME]: (_request, response) => json(response, 403, { error_code: "PERMISSION_DENIED", message: "User may not" }),
    });
    await expect(whoAmI(connectTo(denied.url).workspace)).rejects.toThrow("PERMISSION_DENIED");
    expect(denied.calls).toHaveLength(1);
  });

  it("says which principal a refused secret was for, in both error forms, and never the secret", async () => {
    for (const body of [
      { error: "invalid_client", error_description: `bad secret ${SECRET}` },
      { error_code: "UNAUTHENTICATED", message: `bad secret ${SECRET}` },
    ]) {
      const { url } = await fakeWorkspace({ [TOKEN]: (_request, response) => json(response, 401, body) });
      const error = await whoAmI(connectTo(url).workspace).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(CredentialRefused);
      expect(String(error)).toContain(CLIENT_ID);
      expect(String(error)).toContain("bad secret ***");
      expect(String(error)).toContain("secrets live at most two years");
      expect(String(error)).not.toContain(SECRET);
    }
  });

  it("tries again when the token endpoint is busy or breaks", async () => {
    const { url } = await fakeWorkspace({
      [ME]: me,
      [TOKEN]: (_request, response, count) => {
        if (count === 1) response.writeHead(429, { "retry-after": "3" }).end();
        else if (count === 2) response.writeHead(502).end();
        else if (count === 3) response.socket?.resetAndDestroy();
        else json(response, 200, { access_token: "token-4" });
      },
    });
    const { workspace, clock } = connectTo(url);
    await expect(whoAmI(workspace)).resolves.toBeDefined();
    expect(clock.slept).toEqual([3_000, 2_050, 3_050]);
  });
});

describe("where tokens are asked for", () => {
  it("follows the host's metadata, with its account id filled in", async () => {
    const { url, seen } = await fakeWorkspace({
      [ME]: me,
      "GET /.well-known/databricks-config": (request, response) =>
        json(response, 200, {
          oidc_endpoint: `http://${request.headers.host ?? ""}/oidc/accounts/{account_id}`,
          account_id: "acc-1",
        }),
      "GET /oidc/accounts/acc-1/.well-known/oauth-authorization-server": (request, response) =>
        json(response, 200, { token_endpoint: `http://${request.headers.host ?? ""}/oidc/accounts/acc-1/v1/token` }),
      "POST /oidc/accounts/acc-1/v1/token": (_request, response) => json(response, 200, { access_token: "token-1" }),
    });
    await whoAmI(connectTo(url).workspace);
    expect(seen.map(({ path }) => path)).toContain("/oidc/accounts/acc-1/v1/token");
  });

  it("falls back to the usual place where there is no discovery", async () => {
    const { url } = await fakeWorkspace({
      [ME]: me,
      "GET /oidc/.well-known/oauth-authorization-server": (_request, response) => void response.writeHead(404).end(),
    });
    await expect(whoAmI(connectTo(url).workspace)).resolves.toBeDefined();
  });

  it.each([
    "https://evil.example/token",
    "https://databricks.com.evil.example/token",
    "https://evil-databricks.com/t",
    "ftp://x/y",
    "nonsense",
  ])("sends no secret to %s, whatever discovery says", async (token_endpoint) => {
    const { url, seen } = await fakeWorkspace({
      "GET /oidc/.well-known/oauth-authorization-server": (_request, response) =>
        json(response, 200, { token_endpoint }),
    });
    await expect(whoAmI(connectTo(url).workspace)).rejects.toThrow("auth/token-endpoint");
    expect(seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });
});

describe("GitHub federation", () => {
  it("exchanges GitHub's token as the SDK does", async () => {
    const token = jwt(claims);
    const hub = await github(token);
    const { url, seen } = await fakeWorkspace({ [ME]: me });
    const { workspace, log } = connectTo(url, {
      credentials: { kind: "oidc", clientId: CLIENT_ID, request: hub.request },
    });
    await whoAmI(workspace);

    expect(hub.seen).toHaveLength(1);
    expect(hub.seen[0]?.headers.authorization).toBe("Bearer canary-request-token");
    expect(Object.fromEntries(hub.seen[0]?.query ?? [])).toEqual({
      "api-version": "2.0",
      audience: `${url}/oidc/v1/token`,
    });
    const asked = seen.find(({ path }) => path === "/oidc/v1/token");
    expect(asked?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(asked?.body.toString()))).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      subject_token: token,
      scope: "all-apis",
      client_id: CLIENT_ID,
    });
    expect(workspace.authType).toBe("github-oidc");
    expect(log.secrets).toEqual(expect.arrayContaining(["canary-request-token", token, "token-1"]));
  });

  it.each([
    ["the input first", "mine", { account_id: "acc-1", token_federation_default_oidc_audiences: ["aud-1"] }, "mine"],
    [
      "then what the host names",
      "",
      { account_id: "acc-1", token_federation_default_oidc_audiences: ["aud-1", "aud-2"] },
      "aud-1",
    ],
    ["then the account id", "", { account_id: "acc-1" }, "acc-1"],
  ])("takes as audience %s", async (_what, audience, metadata, expected) => {
    const hub = await github(jwt(claims));
    const { url } = await fakeWorkspace({
      [ME]: me,
      "GET /.well-known/databricks-config": (_request, response) => json(response, 200, metadata),
    });
    const { workspace } = connectTo(url, {
      credentials: { kind: "oidc", clientId: CLIENT_ID, request: hub.request, audience },
    });
    await whoAmI(workspace);
    expect(hub.seen[0]?.query.get("audience")).toBe(expected);
    expect(await workspace.audience()).toBe(expected);
  });

  it("prints what the token says, both subjects and the policy to create, and never the token", async () => {
    const token = jwt(claims);
    const hub = await github(token);
    const { url } = await fakeWorkspace({
      [TOKEN]: (_request, response) =>
        json(response, 400, { error: "invalid_grant", error_description: `no policy for ${token}` }),
    });
    const { workspace } = connectTo(url, { credentials: { kind: "oidc", clientId: CLIENT_ID, request: hub.request } });
    const error = await whoAmI(workspace).catch((error: unknown) => error);
    const said = String(error);
    expect(said).toContain("iss https://token.actions.githubusercontent.com");
    expect(said).toContain("aud account-1");
    expect(said).toContain("sub repo:acme/ml-pipelines:environment:staging");
    expect(said).toContain("repo:acme@111/ml-pipelines@222:environment:staging");
    expect(said).toContain("this repository sends the classic one");
    const policy =
      '{"oidc_policy":{"issuer":"https://token.actions.githubusercontent.com","audiences":["account-1"],"subject":"repo:acme/ml-pipelines:environment:staging","subject_claim":"sub"}}';
    expect(said).toContain(
      `databricks account service-principal-federation-policy create NUMERIC_ID --json '${policy}' (NUMERIC_ID is the id that databricks account service-principals-v2 list --filter 'applicationId eq "${CLIENT_ID}"' shows.)`,
    );
    expect(said).toContain(`/api/2.0/accounts/ACCOUNT_ID/servicePrincipals/NUMERIC_ID/federationPolicies: ${policy}`);
    expect(said).not.toContain(token);
    expect(said).not.toContain(token.split(".")[1]);
  });

  it("says what is missing when GitHub gives no token", async () => {
    const hub = await serve((_request, response) => json(response, 403, { message: "no" }));
    const { url, seen } = await fakeWorkspace({ [ME]: me });
    const request = { url: `${hub.url}/?v=1`, token: "canary-request-token" };
    const { workspace } = connectTo(url, { credentials: { kind: "oidc", clientId: CLIENT_ID, request } });
    await expect(whoAmI(workspace)).rejects.toThrow(/auth\/oidc-request.*id-token: write/);
    expect(seen.map(({ path }) => path)).not.toContain("/oidc/v1/token");
  });

  it("decodes claims tolerantly", () => {
    expect(decodeClaims("no token")).toEqual({});
    expect(decodeClaims(jwt({ sub: 5, aud: ["a", "b"], iss: "x" }))).toEqual({ aud: ["a", "b"], iss: "x" });
  });
});
