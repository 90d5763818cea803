/** The actions that make and remove sandboxes, built, as a runner starts them. */
import { describe, expect, it } from "vitest";
import { SANDBOX_APPLICATION, SANDBOX_SECRET } from "../sandboxes/estate.ts";
import { DEV_CATALOG } from "../sandboxes/estate.ts";
import { SECRET } from "../account.ts";
import { FILES } from "../promotion-files.ts";
import { type ActionOptions, type ActionRun, runAction } from "./harness.ts";
import { ownCatalog } from "./policy.ts";
import { type Project, type ProjectOptions, project, titles } from "./project.ts";

const COMPONENTS = (FILES["four-tier.yml"] ?? "").slice((FILES["four-tier.yml"] ?? "").indexOf("components:"));
const USERS = "users: { octocat: mona@example.com, hubot: rob@example.com }\n";

async function sandboxes(options: ProjectOptions = {}): Promise<{
  readonly own: Project;
  readonly provision: (inputs?: Record<string, string>, more?: Partial<ActionOptions>) => Promise<ActionRun>;
}> {
  const own = await project({
    contract: `${USERS}${COMPONENTS}`,
    sandbox: `service_principal: ml-pipelines-sandbox, client_id: "${SANDBOX_APPLICATION}"`,
    ...options,
    databricks: {
      service_principals: {
        "ml-pipelines-sandbox": {
          application_id: SANDBOX_APPLICATION,
          workspaces: ["dev"],
          secrets: [SANDBOX_SECRET],
        },
      },
      metastore: { owner: "admins", grants: { "ml-pipelines-dev": ["CREATE_CATALOG"] } },
      groups: { admins: {}, "ml-pipelines-developers": { members: ["mona@example.com", "rob@example.com"] } },
      catalogs: { dev: DEV_CATALOG, staging: ownCatalog("staging"), prod: ownCatalog("prod") },
      ...options.databricks,
    },
  });
  const provision = async (inputs: Record<string, string> = {}, more: Partial<ActionOptions> = {}) => {
    const result = await runAction("setup-env", {
      workspace: own.repository.folder,
      sha: own.repository.git("rev-parse", "main"),
      event: "workflow_dispatch",
      apiUrl: own.hub.apiUrl,
      githubToken: own.hub.userToken("hubot"),
      inputs: {
        tier: "sandbox",
        provision: "true",
        developer: "all",
        "allowed-hosts": "127.0.0.1",
        "client-secret": SECRET.dev,
        ...inputs,
      },
      secrets: [...Object.values(SECRET), SANDBOX_SECRET],
      ...more,
    });
    expect(own.account.simulator.unmodelled).toEqual([]);
    expect(own.hub.unmodelled).toEqual([]);
    return result;
  };
  return { own, provision };
}

describe("action-setup-env, provision: true", () => {
  it("makes everybody's sandbox on the default branch, and hands nothing to later steps", async () => {
    const { own, provision } = await sandboxes();
    const run = await provision();
    expect(titles(run)).toEqual([]);
    expect(run.exitCode).toBe(0);
    expect(run.env).toEqual({});
    expect(JSON.parse(run.outputs["sandboxes"] ?? "")).toEqual([
      { login: "octocat", catalog: "octocat_sandbox", outcome: "created" },
      { login: "hubot", catalog: "hubot_sandbox", outcome: "created" },
    ]);
    expect(run.summary).toContain("✅ created");
    expect(own.account.simulator.world.grants("hubot_sandbox")).toHaveProperty("rob@example.com");
    const one = await provision({ developer: "Octocat" });
    expect(one.outputs["catalog"]).toBe("octocat_sandbox");
    expect(one.summary).toContain("as it shall be");
  });

  it.each<[string, Partial<ActionOptions>]>([
    ["a pull request", { event: "pull_request", payload: { pull_request: { base: { sha: "f".repeat(40) } } } }],
    ["a pull request with the rights of its base", { event: "pull_request_target" }],
    ["a merge queue", { event: "merge_group" }],
    ["another branch", { ref: "refs/heads/feature" }],
    ["a tag", { ref: "refs/tags/main" }],
  ])("refuses %s, before anything is sent to Databricks", async (_name, more) => {
    const { own, provision } = await sandboxes();
    const run = await provision({}, more);
    expect(titles(run)).toEqual(["sandbox/default-branch"]);
    expect(own.account.simulator.requests).toEqual([]);
  });

  it("goes by the default branch's list of users, not by an old run's", async () => {
    const { own, provision } = await sandboxes();
    const old = own.repository.git("rev-parse", "main");
    await own.merge({ "four-tier.yml": own.account.contractText.replace("octocat: mona@example.com, ", "") });
    const run = await provision({ developer: "octocat" }, { sha: old });
    expect(titles(run)).toEqual(["sandbox/unknown-login"]);
    expect(own.account.writes().filter((write) => write.includes("/catalogs"))).toEqual([]);
  });

  it("says why a sandbox is refused", async () => {
    const { provision } = await sandboxes({
      databricks: {
        catalogs: { dev: DEV_CATALOG, octocat_sandbox: { owner: "rob@example.com", properties: {} } },
      },
    });
    const run = await provision();
    expect(titles(run)).toEqual(["sandbox/not-ours"]);
    expect(run.exitCode).toBe(1);
    expect(run.summary).toContain("refused");
  });
});
