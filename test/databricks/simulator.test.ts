/** The client against the simulated account: what both took from the facts must fit, and every unknown is tried both ways. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it, onTestFinished } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../../simulator/databricks/server.ts";
import { CredentialRefused } from "../../src/databricks/auth-advice.ts";
import { ApiError, LostAnswer } from "../../src/databricks/errors.ts";
import { fileStatus, listFolder, mkdirs, readFile, writeFile } from "../../src/databricks/files.ts";
import { whoAmI } from "../../src/databricks/identity.ts";
import { createJob, deleteJob, getJob, listJobs, resetJob } from "../../src/databricks/jobs.ts";
import { createPipeline, getPipeline, listPipelines, updatePipeline } from "../../src/databricks/pipelines.ts";
import { findServicePrincipals } from "../../src/databricks/scim.ts";
import { getBindings, getCatalog, getMetastoreSummary, listCatalogs } from "../../src/databricks/unity.ts";
import { getGrants } from "../../src/databricks/unity-grants.ts";
import type { Workspace } from "../../src/databricks/workspace.ts";
import { json, serve } from "../http/loopback.ts";
import { collect, connectTo } from "./fake.ts";

const APP = "33333333-3333-4333-8333-333333333333";

const base: DatabricksScenario = {
  workspaces: { staging: { id: "2222222222222222" }, prod: { id: "3333333333333333" } },
  service_principals: {
    "ml-pipelines-prod": { application_id: APP, workspaces: ["prod"], secrets: ["dose-prod"] },
    "ml-pipelines-staging": {
      application_id: APP.replaceAll("3", "2"),
      workspaces: ["staging"],
      secrets: ["dose-staging"],
    },
  },
  groups: { readers: {} },
  catalogs: {
    prod: {
      owner: "ml-pipelines-prod",
      isolation: "ISOLATED",
      bindings: { prod: "READ_WRITE" },
      grants: { readers: ["USE_CATALOG"] },
    },
  },
};

async function start(more: Partial<DatabricksScenario> = {}): Promise<DatabricksSimulator> {
  const simulator = await startDatabricks({ ...base, ...more });
  onTestFinished(async () => {
    await simulator.close();
    expect(simulator.unmodelled).toEqual([]);
  });
  return simulator;
}

function as(simulator: DatabricksSimulator, name: string, workspace: string): Workspace {
  return connectTo(simulator.workspaces[workspace]?.url ?? "", {
    credentials: { kind: "secret", ...simulator.credentials(name) },
  }).workspace;
}

const job = {
  name: "score",
  tasks: [{ task_key: "score", notebook_task: { notebook_path: "/Workspace/Shared/score" } }],
};

describe("signing in", () => {
  it.each([
    { host_metadata: true, expires_in: "number" },
    { host_metadata: false, expires_in: "string" },
  ] as const)("works with %o", async (behaviours) => {
    const workspace = as(await start({ behaviours }), "ml-pipelines-prod", "prod");
    expect(await whoAmI(workspace)).toMatchObject({
      userName: APP,
      displayName: "ml-pipelines-prod",
      workspaceId: "3333333333333333",
      active: true,
    });
  });

  it.each(["rfc6749", "envelope"] as const)("is refused with an error of the form %s", async (oauth_errors) => {
    const simulator = await start({ behaviours: { oauth_errors } });
    const { workspace } = connectTo(simulator.workspaces["prod"]?.url ?? "", {
      credentials: { kind: "secret", clientId: APP, clientSecret: "dose-staging" },
    });
    await expect(whoAmI(workspace)).rejects.toThrow(CredentialRefused);
  });

  it.each([401, 403] as const)("is done again when tokens expire early, told with %i", async (expired_token) => {
    const simulator = await start({ behaviours: { expired_token } });
    const workspace = as(simulator, "ml-pipelines-prod", "prod");
    await whoAmI(workspace);
    simulator.expireTokens();
    await expect(whoAmI(workspace)).resolves.toMatchObject({ userName: APP });
  });

  it.each([
    ["token", CredentialRefused],
    ["api", ApiError],
  ] as const)("of a principal without the workspace is refused by the %s", async (unassigned_principal, error) => {
    const simulator = await start({ behaviours: { unassigned_principal } });
    await expect(whoAmI(as(simulator, "ml-pipelines-staging", "prod"))).rejects.toThrow(error);
  });
});

describe("federation", () => {
  /** An issuer with real keys, and GitHub's end of the request for a token. */
  async function issuer(sub: string) {
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "1", alg: "RS256", use: "sig" }] };
    const server = await serve(async (request, response) => {
      if (request.path === "/jwks") return json(response, 200, keys);
      const value = await new SignJWT({ repository: "acme/ml", repository_id: "222", repository_owner_id: "111" })
        .setProtectedHeader({ alg: "RS256", kid: "1" })
        .setIssuer(server.url)
        .setAudience(request.query.get("audience") ?? "")
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime("5m")
        .sign(privateKey);
      return json(response, 200, { value });
    });
    return server;
  }

  it.each(["repo:acme/ml:environment:prod", "repo:acme@111/ml@222:environment:prod"])(
    "lets %s in by its policy, and nobody else",
    async (subject) => {
      const github = await issuer(subject);
      const policy = (allowed: string): Partial<DatabricksScenario> => ({
        service_principals: {
          "ml-pipelines-prod": {
            application_id: APP,
            workspaces: ["prod"],
            // no audiences: the account id, which the host's metadata names
            federation: [{ issuer: github.url, subject: allowed }],
          },
        },
      });
      const signIn = async (allowed: string) => {
        const simulator = await start(policy(allowed));
        simulator.trustIssuer(github.url, `${github.url}/jwks`);
        const { workspace } = connectTo(simulator.workspaces["prod"]?.url ?? "", {
          credentials: {
            kind: "oidc",
            clientId: APP,
            request: { url: `${github.url}/token?v=1`, token: "x".repeat(20) },
          },
        });
        return whoAmI(workspace);
      };
      expect(await signIn(subject)).toMatchObject({ userName: APP });
      await expect(signIn("repo:acme/ml:environment:staging")).rejects.toThrow(`sub ${subject}`);
    },
  );
});

describe("reading and writing", () => {
  it("makes, finds, changes and deletes a job", async () => {
    const workspace = as(await start(), "ml-pipelines-prod", "prod");
    const id = await createJob(workspace, job);
    expect(id).toMatch(/^\d+$/);
    expect((await collect(listJobs(workspace, { name: "score" }))).map((found) => found.id)).toEqual([id]);
    await resetJob(workspace, id, { ...job, max_concurrent_runs: 3 });
    expect(await getJob(workspace, id)).toMatchObject({ id, creator: APP, settings: { max_concurrent_runs: 3 } });
    await deleteJob(workspace, id);
    await deleteJob(workspace, id);
    expect(await getJob(workspace, id)).toBeUndefined();
  });

  it("leaves one job when the answer of its creation is lost", async () => {
    const simulator = await start();
    simulator.fault({ method: "POST", path: "/api/2.2/jobs/create", effect: "lost-answer" });
    const workspace = as(simulator, "ml-pipelines-prod", "prod");
    await expect(createJob(workspace, job)).rejects.toThrow(LostAnswer);
    expect(await collect(listJobs(workspace))).toHaveLength(1);
  });

  it.each([409, 400] as const)(
    "refuses a pipeline that somebody changed meanwhile (%i)",
    async (stale_last_modified) => {
      const workspace = as(await start({ behaviours: { stale_last_modified } }), "ml-pipelines-prod", "prod");
      const spec = { name: "silver", catalog: "prod", schema: "silver", serverless: true };
      const id = await createPipeline(workspace, spec);
      const first = await getPipeline(workspace, id);
      expect((await collect(listPipelines(workspace))).map((found) => found.id)).toEqual([id]);
      await updatePipeline(workspace, id, { ...spec, photon: true });
      const stale = updatePipeline(workspace, id, spec, { expectedLastModified: (first?.lastModified ?? 0) - 1 });
      await expect(stale).rejects.toMatchObject({ status: stale_last_modified });
    },
  );

  it("writes a file once, tells who was first, and finds its own after a lost answer", async () => {
    const simulator = await start();
    const workspace = as(simulator, "ml-pipelines-prod", "prod");
    const folder = `/Workspace/Users/${APP}/.four-tier`;
    await mkdirs(workspace, folder);
    const write = (name: string, text: string) =>
      writeFile(workspace, `${folder}/${name}`, Buffer.from(text), { overwrite: false });
    expect(await write("a b.txt", "one")).toBe("created");
    expect(await write("a b.txt", "two")).toBe("exists");
    simulator.fault({ method: "POST", path: "/api/2.0/workspace-files/*", effect: "lost-answer" });
    expect(await write("lock.1", "owner 42")).toBe("created");
    expect(Buffer.from((await readFile(workspace, `${folder}/a b.txt`)) ?? []).toString()).toBe("one");
    expect((await listFolder(workspace, folder))?.map(({ path }) => path).sort()).toEqual([
      `${folder}/a b.txt`,
      `${folder}/lock.1`,
    ]);
    expect(await fileStatus(workspace, `${folder}/none`)).toBeUndefined();
  });

  it.each([true, false])("reads the catalog, its grants and bindings (empty pages: %s)", async (empty_pages) => {
    const workspace = as(await start({ behaviours: { empty_pages }, page_size: 1 }), "ml-pipelines-prod", "prod");
    expect(await getCatalog(workspace, "prod")).toMatchObject({ name: "prod", isolationMode: "ISOLATED", owner: APP });
    expect(await getCatalog(workspace, "none").catch((error: ApiError) => error.status)).toSatisfy(
      (answer) => answer === undefined || answer === 403,
    );
    expect((await collect(listCatalogs(workspace))).map(({ name }) => name)).toContain("prod");
    expect(await getGrants(workspace, "catalog", "prod")).toEqual([
      { principal: "readers", principalId: undefined, privileges: ["USE_CATALOG"] },
    ]);
    expect(await getBindings(workspace, "catalog", "prod")).toEqual([
      { workspaceId: "3333333333333333", type: "BINDING_TYPE_READ_WRITE" },
    ]);
    expect(await getMetastoreSummary(workspace)).toMatchObject({ owner: "metastore-admins" });
    expect(await findServicePrincipals(workspace, { displayName: "ml-pipelines-prod" })).toHaveLength(1);
  });

  it("goes through throttling", async () => {
    const simulator = await start();
    simulator.fault({ path: "/api/2.2/jobs/*", effect: "rate-limited", retry_after: 4, times: 2 });
    const { workspace, clock } = connectTo(simulator.workspaces["prod"]?.url ?? "", {
      credentials: { kind: "secret", ...simulator.credentials("ml-pipelines-prod") },
    });
    expect(await createJob(workspace, job)).toMatch(/^\d+$/);
    expect(clock.slept).toEqual([4_000, 4_000]);
  });
});
