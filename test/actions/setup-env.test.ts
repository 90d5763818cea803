import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { json, type Loopback, type Seen, serve } from "../http/loopback.ts";
import { findSecrets } from "./canary.ts";
import { type ActionOptions, type ActionRun, runAction } from "./harness.ts";
import { makeRepository } from "./repository.ts";

const TIERS = ["dev", "staging", "prod"] as const;
type TierName = (typeof TIERS)[number];

const APPLICATION: Record<TierName, string> = {
  dev: "11111111-1111-4111-8111-111111111111",
  staging: "22222222-2222-4222-8222-222222222222",
  prod: "33333333-3333-4333-8333-333333333333",
};
const WORKSPACE: Record<TierName, string> = { dev: "1111", staging: "2222", prod: "3333" };
const SECRET: Record<TierName, string> = {
  dev: "dose-canary-dev-4711",
  staging: "dose-canary/staging+4712",
  prod: 'dose-canary-"prod"-4713',
};
const NOT_ASSIGNED = "The service principal is not assigned to this workspace";
/** What GitHub's token of each environment says. */
const subject = (environment: string): string => `repo:acme/ml-pipelines:environment:${environment}`;
const REQUEST_TOKEN = "canary-request-token-4714";

interface CatalogState {
  readonly isolation_mode?: string;
  readonly bindings?: readonly { workspace_id: number; binding_type: string }[];
  readonly status?: number;
}

/** One workspace of the account: it knows its own principal only, as the real one does. */
async function workspaceOf(
  tier: TierName,
  tokens: string[],
  more: { name?: string; catalog?: CatalogState; tellsApart?: boolean } = {},
): Promise<Loopback> {
  const give = (server: Seen, response: Parameters<typeof json>[0]): void => {
    const token = `canary-token-${tier}-${tokens.length}`;
    tokens.push(token);
    json(response, 200, { access_token: token, token_type: "Bearer", expires_in: 3600 });
    expect(server.method).toBe("POST");
  };
  const catalog = more.catalog ?? {};
  return serve((request, response) => {
    const host = `http://${request.headers.host ?? ""}`;
    const allowed = tokens.some((token) => request.headers.authorization === `Bearer ${token}` && token.includes(tier));
    switch (`${request.method} ${request.path}`) {
      case "GET /oidc/.well-known/oauth-authorization-server":
        return json(response, 200, { token_endpoint: `${host}/oidc/v1/token` });
      case "POST /oidc/v1/token": {
        const form = new URLSearchParams(request.body.toString());
        if (form.get("grant_type") === "client_credentials") {
          const pair = Buffer.from(request.headers.authorization?.slice(6) ?? "", "base64").toString();
          const [id, secret] = pair.split(":").map(decodeURIComponent);
          if (id === APPLICATION[tier] && secret === SECRET[tier]) return give(request, response);
          const known = TIERS.some((name) => id === APPLICATION[name] && secret === SECRET[name]);
          const why = known && more.tellsApart !== false ? NOT_ASSIGNED : "Client authentication failed";
          return json(response, 401, { error: "invalid_client", error_description: why });
        }
        const claims = JSON.parse(
          Buffer.from(form.get("subject_token")?.split(".")[1] ?? "", "base64url").toString(),
        ) as { sub?: string };
        if (claims.sub === subject(tier)) return give(request, response);
        return json(response, 400, { error: "invalid_grant", error_description: "no policy matches" });
      }
      case "GET /api/2.0/preview/scim/v2/Me":
        if (!allowed) return json(response, 403, { error_code: 403, message: "Invalid access token." });
        return json(
          response,
          200,
          { id: "7", userName: APPLICATION[tier], displayName: more.name ?? `ml-pipelines-${tier}`, active: true },
          { "x-databricks-org-id": WORKSPACE[tier] },
        );
      case `GET /api/2.1/unity-catalog/catalogs/${tier}`:
        if (catalog.status !== undefined) {
          return json(response, catalog.status, {
            error_code: "PERMISSION_DENIED",
            message: `User does not have USE CATALOG on Catalog '${tier}'.`,
          });
        }
        return json(response, 200, {
          name: tier,
          owner: APPLICATION[tier],
          isolation_mode: catalog.isolation_mode ?? "ISOLATED",
        });
      case `GET /api/2.1/unity-catalog/bindings/catalog/${tier}`:
        return json(response, 200, {
          bindings: catalog.bindings ?? [
            { workspace_id: Number(WORKSPACE[tier]), binding_type: "BINDING_TYPE_READ_WRITE" },
          ],
        });
      default:
        return json(response, 404, { error_code: "ENDPOINT_NOT_FOUND", message: request.path });
    }
  });
}

/** Three workspaces, and a repository whose contract names them. */
async function account(more: { contract?: string; prod?: Parameters<typeof workspaceOf>[2] } = {}) {
  const tokens: string[] = [];
  const workspaces = {
    dev: await workspaceOf("dev", tokens),
    staging: await workspaceOf("staging", tokens),
    prod: await workspaceOf("prod", tokens, more.prod),
  };
  const tiers = TIERS.map(
    (tier) =>
      `  ${tier}: { workspace: "${workspaces[tier].url}", workspace_id: "${WORKSPACE[tier]}", client_id: ${APPLICATION[tier]} }`,
  );
  const contract = ["project: ml-pipelines", "tiers:", ...tiers, more.contract ?? ""].join("\n");
  const repository = makeRepository();
  const sha = repository.commit({ "four-tier.yml": contract });
  const run = async (inputs: Record<string, string>, options: Partial<ActionOptions> = {}): Promise<ActionRun> =>
    runAction("setup-env", {
      workspace: repository.folder,
      sha,
      inputs: { "allowed-hosts": "127.0.0.1", ...inputs },
      secrets: () => [...Object.values(SECRET), ...tokens, REQUEST_TOKEN, githubToken("prod"), githubToken("staging")],
      ...options,
    });
  return { workspaces, repository, contract, sha, run, tokens };
}

/** GitHub's OIDC endpoint for a job in an environment. */
async function oidcOf(environment: string): Promise<{ url: string; token: string }> {
  const { url } = await serve((_request, response) => json(response, 200, { value: githubToken(environment) }));
  return { url: `${url}/token?api-version=2.0`, token: REQUEST_TOKEN };
}

function githubToken(environment: string): string {
  const claims = {
    iss: "https://token.actions.githubusercontent.com",
    aud: "account-1",
    sub: subject(environment),
    repository: "acme/ml-pipelines",
    repository_id: "222",
    repository_owner_id: "111",
  };
  return ["eyJhbGciOiJSUzI1NiJ9", Buffer.from(JSON.stringify(claims)).toString("base64url"), "c2ln"].join(".");
}

const ids = (run: ActionRun): (string | undefined)[] => run.annotations.map(({ title }) => title);
const said = (run: ActionRun): string => run.annotations.map(({ message }) => message).join("\n");

describe("a job that is where it says", () => {
  it("gets everything that is not secret, and a summary that says what was proved", async () => {
    const { run, workspaces } = await account();
    const result = await run({ tier: "prod", "client-secret": SECRET.prod });
    expect(result.annotations).toEqual([]);
    expect(result.exitCode).toBe(0);
    expect(result.outputs).toMatchObject({
      tier: "prod",
      catalog: "prod",
      "source-catalog": "prod",
      host: workspaces.prod.url,
      "workspace-id": "3333",
      "service-principal": "ml-pipelines-prod",
      "client-id": APPLICATION.prod,
      conclusion: "success",
    });
    expect(result.env).toEqual({
      DATABRICKS_HOST: workspaces.prod.url,
      DATABRICKS_CLIENT_ID: APPLICATION.prod,
      DATABRICKS_AUTH_TYPE: "oauth-m2m",
      BUNDLE_VAR_catalog: "prod",
      BUNDLE_VAR_source_catalog: "prod",
      BUNDLE_VAR_tier: "prod",
    });
    expect(result.summary).toContain("This job is in **prod**");
    expect(result.summary).toContain("a client secret");
    expect(result.report).toMatchObject({ conclusion: "success", tier: "prod", workspaceId: "3333" });
    expect(workspaces.staging.seen).toEqual([]);
    expect(workspaces.dev.seen).toEqual([]);
  });

  it("masks every secret before it uses it", async () => {
    const { run, tokens } = await account();
    const result = await run({ tier: "prod", "client-secret": SECRET.prod });
    expect(result.masked).toEqual(expect.arrayContaining([SECRET.prod, ...tokens]));
    const before = result.stdout.indexOf("::add-mask::");
    expect(before).toBe(0);
  });

  it("keeps compiled code for the job's next step, in the runner's folder and without a secret", async () => {
    const { run, tokens } = await account();
    const temp = mkdtempSync(join(tmpdir(), "four-tier-runner-"));
    onTestFinished(() => rmSync(temp, { recursive: true, force: true }));
    const env = { RUNNER_TEMP: temp, NODE_COMPILE_CACHE: undefined };
    const result = await run({ tier: "prod", "client-secret": SECRET.prod }, { env });
    expect(result.exitCode).toBe(0);
    const kept = readdirSync(temp, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const places = kept.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), "latin1")] as const);
    expect(kept.filter(({ parentPath }) => parentPath.startsWith(join(temp, "four-tier-code"))).length).toBeGreaterThan(
      1,
    );
    expect(findSecrets(Object.fromEntries(places), [SECRET.prod, ...tokens])).toEqual([]);
  });

  it("loads of Node what its requests need: nothing of HTTP/2, which nobody speaks, nor of measuring", async () => {
    const { run } = await account();
    const preload = [new URL("./loaded.ts", import.meta.url).href];
    const { stdout } = await run({ tier: "prod", "client-secret": SECRET.prod }, { preload });
    const [, loaded = ""] = /^loaded: (.*)$/m.exec(stdout) ?? [];
    expect(loaded).toContain("NativeModule child_process");
    expect(loaded).not.toMatch(/http2|perf_hooks/);
  });

  it("signs in with GitHub's token and no secret, and says so to later steps", async () => {
    const { run, workspaces } = await account();
    const result = await run({ tier: "prod" }, { oidc: await oidcOf("prod") });
    expect(result.exitCode).toBe(0);
    expect(result.env).toMatchObject({
      DATABRICKS_AUTH_TYPE: "github-oidc",
      DATABRICKS_TOKEN_AUDIENCE: `${workspaces.prod.url}/oidc/v1/token`,
    });
    expect(result.summary).toContain("no secret");
  });

  it("hands over the secret only when asked, and then in one place only", async () => {
    const { run } = await account();
    const result = await run(
      { tier: "prod", "client-secret": SECRET.prod, "export-credentials": "true" },
      { exported: [SECRET.prod] },
    );
    expect(result.exitCode).toBe(0);
    expect(result.env["DATABRICKS_CLIENT_SECRET"]).toBe(SECRET.prod);
  });

  it("uses the secret when federation is refused and both are there", async () => {
    const { run } = await account();
    const result = await run({ tier: "prod", "client-secret": SECRET.prod }, { oidc: await oidcOf("somewhere-else") });
    expect(result.exitCode).toBe(0);
    expect(result.env["DATABRICKS_AUTH_TYPE"]).toBe("oauth-m2m");
    const strict = await run({ tier: "prod", "client-secret": SECRET.prod, auth: "oidc" }, { oidc: await oidcOf("x") });
    expect(ids(strict)).toEqual(["auth/federation-refused"]);
  });

  it("takes a contract from another file and finds it in the commit, whatever the working tree says", async () => {
    const { run, repository, contract } = await account();
    const sha = repository.commit({ "conf/tiers.yml": contract, "four-tier.yml": undefined });
    repository.git("rm", "--quiet", "--force", "conf/tiers.yml");
    const result = await run({ tier: "dev", contract: "./conf/tiers.yml", "client-secret": SECRET.dev }, { sha });
    expect(result.exitCode).toBe(0);
  });
});

describe("a job that is not", () => {
  it("is told whose secret it has, which one the tier needs, and what to do", async () => {
    const { run, workspaces } = await account();
    const result = await run({ tier: "prod", "client-secret": SECRET.staging });
    expect(result.exitCode).toBe(1);
    expect(ids(result)).toEqual(["identity/wrong-secret"]);
    expect(said(result)).toContain(
      `belongs to ml-pipelines-staging (${APPLICATION.staging}), the principal of the tier staging`,
    );
    expect(said(result)).toContain(`the tier prod needs a secret of ml-pipelines-prod (${APPLICATION.prod})`);
    expect(said(result)).toContain("GitHub environment prod");
    expect(result.env).toEqual({});
    expect(result.outputs["tier"]).toBeUndefined();
    // prod's workspace was asked for nothing but a token
    expect(workspaces.prod.seen.filter(({ path }) => path.startsWith("/api/"))).toEqual([]);
    // and the secret went nowhere else, not even to be recognised
    expect(workspaces.staging.seen).toEqual([]);
    expect(workspaces.dev.seen).toEqual([]);
  });

  it("is told for whom it was refused, when the workspace refuses all alike", async () => {
    const { run, workspaces } = await account({ prod: { tellsApart: false } });
    const result = await run({ tier: "prod", "client-secret": SECRET.staging });
    expect(ids(result)).toEqual(["auth/secret-refused"]);
    expect(said(result)).toContain(APPLICATION.prod);
    expect(workspaces.staging.seen).toEqual([]);
  });

  it("is told the same when the contract gives no client ids and the job brings both", async () => {
    const { run, repository, contract, workspaces } = await account();
    const sha = repository.commit({ "four-tier.yml": contract.replaceAll(/, client_id: [-0-9]+/g, "") });
    const result = await run(
      { tier: "prod", "client-id": APPLICATION.staging, "client-secret": SECRET.staging },
      { sha },
    );
    expect(ids(result)).toEqual(["auth/secret-refused"]);
    expect(said(result)).toContain(NOT_ASSIGNED);
    expect(workspaces.staging.seen).toEqual([]);
  });

  it("with a secret that is nobody's hears for whom it was refused", async () => {
    const { run } = await account();
    const result = await run({ tier: "prod", "client-secret": "dose-unknown-secret" });
    expect(ids(result)).toEqual(["auth/secret-refused"]);
    expect(said(result)).toContain(APPLICATION.prod);
  });

  it("with another tier's client id is stopped before anything is sent", async () => {
    const { run, workspaces } = await account();
    const result = await run({ tier: "prod", "client-id": APPLICATION.staging, "client-secret": SECRET.staging });
    expect(ids(result)).toEqual(["identity/wrong-principal"]);
    expect(said(result)).toContain("ml-pipelines-staging");
    expect(Object.values(workspaces).flatMap(({ seen }) => seen)).toEqual([]);
  });

  it("in the wrong environment gets the policy that would be needed, both subjects, and no token", async () => {
    const { run } = await account();
    const result = await run({ tier: "prod" }, { oidc: await oidcOf("staging") });
    expect(ids(result)).toEqual(["auth/federation-refused"]);
    expect(said(result)).toContain(`sub ${subject("staging")}`);
    expect(said(result)).toContain("repo:acme@111/ml-pipelines@222:environment:staging");
    expect(said(result)).toContain("federation-policy create");
    expect(result.exitCode).toBe(1);
  });

  it("whose principal is called otherwise is refused", async () => {
    const { run } = await account({ prod: { name: "somebody-else" } });
    const result = await run({ tier: "prod", "client-secret": SECRET.prod });
    expect(ids(result)).toEqual(["identity/principal"]);
    expect(said(result)).toContain("belongs to somebody-else");
  });

  it("whose host is another workspace is refused", async () => {
    const { run, repository, contract } = await account();
    const sha = repository.commit({
      "four-tier.yml": contract.replace('workspace_id: "3333"', 'workspace_id: "9999"'),
    });
    const result = await run({ tier: "prod", "client-secret": SECRET.prod }, { sha });
    expect(ids(result)).toEqual(["identity/workspace"]);
    expect(result.annotations[0]?.file).toBe("four-tier.yml");
    expect(Number(result.annotations[0]?.line)).toBeGreaterThan(1);
  });

  it.each([
    [
      "is not bound to it",
      { bindings: [{ workspace_id: 1111, binding_type: "BINDING_TYPE_READ_WRITE" }] },
      "identity/catalog-binding",
      1,
    ],
    [
      "is bound read-only",
      { bindings: [{ workspace_id: 3333, binding_type: "BINDING_TYPE_READ_ONLY" }] },
      "identity/catalog-binding",
      1,
    ],
    ["cannot be seen", { status: 403 }, "identity/catalog", 1],
    ["is open to every workspace, which is a warning", { isolation_mode: "OPEN" }, "identity/catalog-open", 0],
  ])("whose catalog %s", async (_what, catalog, id, exitCode) => {
    const { run } = await account({ prod: { catalog } });
    const result = await run({ tier: "prod", "client-secret": SECRET.prod });
    expect(ids(result)).toEqual([id]);
    expect(result.exitCode).toBe(exitCode);
  });
});

/** What GitHub says of one, as far as it is read. */
const pullRequest = (sha: string, ref = "main") => ({
  pull_request: { base: { sha, ref } },
  repository: { default_branch: "main" },
});

describe("a pull request", () => {
  it("into a branch of its author's goes by the default branch's contract", async () => {
    const { run, repository, contract, sha: head, workspaces } = await account();
    const thief = await serve((_request, response) => json(response, 200, { access_token: "x" }));
    const base = repository.commit({ "four-tier.yml": contract.replace(workspaces.prod.url, thief.url) });
    const github = await serve((request, response) => {
      if (request.path.endsWith("/contents/four-tier.yml")) {
        const content = Buffer.from(request.query.get("ref") === head ? contract : "").toString("base64");
        return json(response, 200, {
          type: "file",
          encoding: "base64",
          size: contract.length,
          sha: "a".repeat(40),
          content,
        });
      }
      if (request.path.endsWith("/branches/main")) {
        return json(response, 200, { name: "main", protected: true, commit: { sha: head } });
      }
      const owner = { login: "acme", type: "Organization" };
      return json(response, 200, { default_branch: "main", private: true, visibility: "private", owner });
    });
    const options = { sha: base, apiUrl: github.url, githubToken: "ghs_canary0123456789" };
    for (const [event, payload] of [
      ["pull_request", pullRequest(base, "mine")],
      [
        "merge_group",
        {
          merge_group: { base_sha: base, base_ref: "refs/heads/mine" },
          repository: { default_branch: "main" },
        },
      ],
    ] as const) {
      const result = await run({ tier: "prod", "client-secret": SECRET.prod }, { ...options, event, payload });
      expect([ids(result), result.outputs["host"]]).toEqual([[], workspaces.prod.url]);
    }
    expect(thief.seen).toEqual([]);
  });

  it("cannot send a credential to a host of its own making", async () => {
    const { run, repository, contract, sha: base, workspaces } = await account();
    const thief = await serve((_request, response) => json(response, 200, { access_token: "x" }));
    const sha = repository.commit({ "four-tier.yml": contract.replace(workspaces.prod.url, thief.url) });
    const payload = pullRequest(base);
    const result = await run({ tier: "prod", "client-secret": SECRET.prod }, { sha, event: "pull_request", payload });
    expect(thief.seen).toEqual([]);
    expect(result.exitCode).toBe(0);
    expect(result.outputs["host"]).toBe(workspaces.prod.url);
    // the same change, pushed to a branch by somebody who may, is taken as it stands
    await run({ tier: "prod", "client-secret": SECRET.prod }, { sha, event: "push" });
    expect(thief.seen.length).toBeGreaterThan(0);
  });

  it("whose base is not in the checkout is refused", async () => {
    const { run, workspaces } = await account();
    for (const payload of [pullRequest("f".repeat(40)), { pull_request: { base: { sha: "f".repeat(40) } } }, {}]) {
      const result = await run(
        { tier: "prod", "client-secret": SECRET.prod },
        { event: "pull_request_target", payload },
      );
      expect(result.exitCode).toBe(1);
      expect(ids(result)[0]).toMatch(/^contract\/(commit|base)$/);
    }
    expect(workspaces.prod.seen).toEqual([]);
  });
});

describe("inputs", () => {
  it.each([
    [{ tier: "production" }, "input/tier"],
    [{ tier: "" }, "input/tier"],
    [{ tier: "prod", auth: "password" }, "input/auth"],
    [{ tier: "prod", auth: "secret" }, "input/client-secret"],
    [{ tier: "prod", auth: "oidc" }, "input/auth"],
    [{ tier: "prod" }, "auth/no-credentials"],
    [{ tier: "prod", contract: "../other.yml" }, "input/contract"],
    [{ tier: "prod", contract: "none.yml", "client-secret": SECRET.prod }, "contract/missing"],
    [{ tier: "prod", provision: "true" }, "input/provision"],
    [{ tier: "sandbox", provision: "yes" }, "input/provision"],
    [{ tier: "prod", "export-credentials": "yes" }, "input/export-credentials"],
    [{ tier: "sandbox", "client-secret": SECRET.dev }, "identity/no-principal"],
  ])("%o: %s", async (inputs: Record<string, string>, id) => {
    const { run, workspaces } = await account();
    const result = await run(inputs);
    expect(ids(result)).toEqual([id]);
    expect(result.exitCode).toBe(1);
    expect(result.summary).toContain("❌");
    expect(Object.values(workspaces).flatMap(({ seen }) => seen)).toEqual([]);
  });

  it("does not show a secret that was put into the wrong field", async () => {
    const { run } = await account();
    const result = await run({ tier: "prod", "client-id": SECRET.prod, "client-secret": SECRET.prod });
    expect(ids(result)).toEqual(["input/client-id"]);
  });

  it("shows everything that is wrong with them at once", async () => {
    const { run } = await account();
    expect(ids(await run({ tier: "qa", auth: "magic", contract: "/etc/passwd" }))).toEqual([
      "input/tier",
      "input/auth",
      "input/contract",
    ]);
  });
});
