/** The actions that make and remove sandboxes, built, as a runner starts them. */
import { describe, expect, it } from "vitest";
import { SECRET } from "../account.ts";
import { FILES } from "../promotion-files.ts";
import { DEV_CATALOG, SANDBOX_APPLICATION, SANDBOX_SECRET } from "../sandboxes/estate.ts";
import { type ActionOptions, type ActionRun, runAction } from "./harness.ts";
import { ownCatalog } from "./policy.ts";
import { type Project, type ProjectOptions, project, titles } from "./project.ts";

const COMPONENTS = (FILES["four-tier.yml"] ?? "").slice((FILES["four-tier.yml"] ?? "").indexOf("components:"));
const USERS = "users: { octocat: mona@example.com, hubot: rob@example.com }\n";

interface More extends Partial<ActionOptions> {
  /** Another action than action-setup-env, with these inputs and no others. */
  readonly action?: string;
}

async function sandboxes(options: ProjectOptions = {}): Promise<{
  readonly own: Project;
  readonly provision: (inputs?: Record<string, string>, more?: More) => Promise<ActionRun>;
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
  const provision = async (inputs: Record<string, string> = {}, { action, ...more }: More = {}) => {
    const common = { "allowed-hosts": "127.0.0.1", "client-secret": SECRET.dev };
    const result = await runAction(action ?? "setup-env", {
      workspace: own.repository.folder,
      sha: own.repository.git("rev-parse", "main"),
      event: "workflow_dispatch",
      apiUrl: own.hub.apiUrl,
      githubToken: own.hub.userToken("hubot"),
      secrets: [...Object.values(SECRET), SANDBOX_SECRET],
      ...more,
      inputs:
        action === undefined
          ? { tier: "sandbox", provision: "true", developer: "all", ...common, ...inputs }
          : { ...common, ...more.inputs },
    });
    expect(own.account.simulator.unmodelled).toEqual([]);
    expect(own.hub.unmodelled).toEqual([]);
    return result;
  };
  return { own, provision };
}

const DAY = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();

describe("action-clean-sandboxes", () => {
  /** octocat's is due, hubot's is young, and two only look like sandboxes. */
  const old = (developer: string, more: Record<string, string> = {}, over = {}) => ({
    owner: "ml-pipelines-dev",
    properties: {
      four_tier_project: "ml-pipelines",
      four_tier_developer: developer,
      four_tier_created: ago(100),
      ...more,
    },
    schemas: { gold: { tables: { t: { updated: ago(90) } } } },
    ...over,
  });
  const catalogs = {
    dev: DEV_CATALOG,
    octocat_sandbox: old("octocat", { four_tier_warned: ago(8) }),
    hubot_sandbox: old("hubot", { four_tier_created: ago(3) }),
    theirs_sandbox: old(
      "theirs",
      { four_tier_warned: ago(8) },
      { owner: "rob@example.com", grants: { "ml-pipelines-dev": ["USE_CATALOG"] } },
    ),
    plain_sandbox: { owner: "ml-pipelines-dev" },
  };
  async function cleaning() {
    const { own, provision } = await sandboxes({ databricks: { catalogs } });
    const clean = (inputs: Record<string, string>, more: Partial<ActionOptions> = {}) =>
      provision({}, { ...more, action: "clean-sandboxes", inputs });
    return { own, clean, left: () => Object.keys(catalogs).filter((name) => own.account.simulator.world.has(name)) };
  }

  it("is a dry run unless it is asked for, and then removes what is due and ours alone", async () => {
    const { own, clean, left } = await cleaning();
    for (const inputs of [{}, { "dry-run": "" }]) {
      const dry = await clean(inputs);
      expect(titles(dry)).toEqual([]);
      expect(dry.outputs["removed"]).toBe('["octocat_sandbox"]');
      expect(dry.summary).toContain("A dry run");
      expect(own.account.writes()).toEqual([]);
    }

    const run = await clean({ "dry-run": "false" });
    expect(titles(run)).toEqual([]);
    expect(run.exitCode).toBe(0);
    expect(run.outputs).toMatchObject({ removed: '["octocat_sandbox"]', warned: "[]" });
    expect(JSON.parse(run.outputs["due"] ?? "")).toMatchObject({
      dryRun: false,
      sandboxes: [{ catalog: "octocat_sandbox", developer: "octocat", here: true, is: "removed", from: "" }],
    });
    expect(run.summary).toContain("🗑️ removed");
    expect(run.summary).toContain("it belongs to");
    expect(left()).toEqual(["dev", "hubot_sandbox", "theirs_sandbox", "plain_sandbox"]);
  });

  it.each<[string, Partial<ActionOptions>]>([
    ["a pull request", { event: "pull_request" }],
    ["another branch", { ref: "refs/heads/feature" }],
  ])("refuses %s, before anything is sent to Databricks", async (_name, more) => {
    const { own, clean } = await cleaning();
    expect(titles(await clean({ "dry-run": "false" }, more))).toEqual(["sandbox/default-branch"]);
    expect(own.account.simulator.requests).toEqual([]);
  });

  it.each([
    [{ "dry-run": "no" }, "input/dry-run"],
    [{ max: "all" }, "input/max"],
    [{ max: "51" }, "input/max"],
    [{ max: "-1" }, "input/max"],
  ])("%o: %s", async (inputs, id) => {
    const { own, clean, left } = await cleaning();
    expect(titles(await clean(inputs))).toEqual([id]);
    expect(own.account.simulator.requests).toEqual([]);
    expect(left()).toHaveLength(5);
  });
});

describe("action-promote, mode: teardown", () => {
  it.each(["dev", "staging", "prod", "all"])("is refused for the tier %s", async (tier) => {
    const { own, provision } = await sandboxes();
    const run = await provision({}, { action: "promote", inputs: { mode: "teardown", tier } });
    expect(titles(run)).toEqual(["input/mode"]);
    expect(own.account.simulator.requests).toEqual([]);
  });
});

describe("action-promote, mode: teardown of a pull request", () => {
  it.each<[string, Partial<ActionOptions>]>([
    ["has no pull request", { payload: { action: "closed" } }],
    ["nobody can read", { env: { GITHUB_EVENT_PATH: "/nowhere/event.json" } }],
  ])("whose event %s takes nothing down, of whatever branch it is", async (_name, more) => {
    const { own, provision } = await sandboxes();
    const inputs = { mode: "teardown", tier: "sandbox", developer: "octocat" };
    const run = await provision({}, { action: "promote", inputs, event: "pull_request", ...more });
    expect(titles(run)).toEqual(["sandbox/no-branch"]);
    expect(own.account.simulator.requests).toEqual([]);
  });
});

describe("action-setup-env, tier: sandbox", () => {
  const marked = (more: Record<string, string>) => ({
    catalogs: {
      dev: DEV_CATALOG,
      octo_cat_sandbox: {
        owner: "ml-pipelines-dev",
        isolation: "ISOLATED" as const,
        bindings: { dev: "READ_WRITE" as const },
        grants: { "ml-pipelines-sandbox": ["USE_CATALOG"] },
        properties: { four_tier_project: "ml-pipelines", four_tier_developer: "octo-cat", ...more },
      },
    },
  });
  const prove = async (properties: Record<string, string>, developer: string, comment?: string) => {
    const { own, provision } = await sandboxes({ databricks: marked(properties) });
    own.account.simulator.world.securable("octo_cat_sandbox").comment = comment;
    const inputs = { tier: "sandbox", developer, "client-secret": SANDBOX_SECRET, "allowed-hosts": "127.0.0.1" };
    return provision({}, { action: "setup-env", inputs });
  };

  it("proves a developer's sandbox, though its own principal may not read how it is bound", async () => {
    const run = await prove({}, "Octo-Cat");
    expect(titles(run)).toEqual([]);
    expect(titles(run, "warning")).toEqual([]);
    expect(run.env).toMatchObject({ BUNDLE_VAR_catalog: "octo_cat_sandbox", BUNDLE_VAR_source_catalog: "dev" });
  });

  it.each<[string, Record<string, string>, string, string, string?]>([
    ["another login that comes to the same name", {}, "octo_cat", "identity/sandbox-mark"],
    [
      "a catalog without a mark",
      { four_tier_project: "", four_tier_developer: "" },
      "octo-cat",
      "identity/sandbox-mark",
    ],
    [
      "a sandbox that is being removed",
      {},
      "octo-cat",
      "identity/sandbox-removing",
      "Being removed by Four-Tier since 2027-01-01T00:00:00.000Z: nobody had used it.",
    ],
  ])("stops for %s", async (_name, properties, developer, id, comment) => {
    const run = await prove(properties, developer, comment);
    expect(titles(run)).toEqual([id]);
    expect(run.env).toEqual({});
  });
});

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
