/** A simulated account and GitHub around one repository, whose main holds what approved pull requests brought. */
import { expect, onTestFinished } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import type { Tls } from "../../simulator/door.ts";
import type { GitHubScenarioInput } from "../../simulator/github/scenario.ts";
import { type GitHubSimulator, startGitHub } from "../../simulator/github/server.ts";
import { type Account, APPLICATION, SECRET, startAccount } from "../account.ts";
import { FILES } from "../promotion-files.ts";
import { type ActionOptions, type ActionRun, runAction } from "./harness.ts";
import { ownCatalog } from "./policy.ts";
import { makeRepository } from "./repository.ts";

export interface ProjectOptions {
  readonly github?: GitHubScenarioInput;
  readonly databricks?: Partial<DatabricksScenario>;
  /** The repository's files but for four-tier.yml. Default: those of test/promotion-files.ts. */
  readonly files?: Files;
  /** What four-tier.yml says after the tiers. Default: the components of test/promotion-files.ts. */
  readonly contract?: string;
  /** Keys of the sandbox tier in four-tier.yml. */
  readonly sandbox?: string;
  /** Both services over TLS. */
  readonly tls?: Tls;
}

type Files = Readonly<Record<string, string | undefined>>;

export interface Project {
  readonly account: Account;
  readonly hub: GitHubSimulator;
  readonly repository: ReturnType<typeof makeRepository>;
  /** Brings a change to main by a pull request, and checks it out; undefined removes a file. */
  readonly merge: (files: Files) => Promise<string>;
  /** Runs an action (default: promote) on main; nothing unmodelled may be asked. */
  readonly run: (
    inputs: Record<string, string>,
    more?: Partial<ActionOptions> & { readonly action?: string },
  ) => Promise<ActionRun>;
  /** The head of main when the project was made. */
  readonly sha: string;
}

export const GITHUB: GitHubScenarioInput = {
  users: { octocat: { role: "write" }, hubot: { role: "admin" } },
  environments: {
    dev: { branch_policy: "default" },
    staging: { branch_policy: "default" },
    prod: { reviewers: ["hubot"], prevent_self_review: true, can_admins_bypass: false, branch_policy: "default" },
  },
};
const COMPONENTS = (FILES["four-tier.yml"] ?? "").slice((FILES["four-tier.yml"] ?? "").indexOf("components:"));

/** Makes the project; everything of it goes when the test ends. */
export async function project(options: ProjectOptions = {}): Promise<Project> {
  const catalogs = { dev: ownCatalog("dev"), staging: ownCatalog("staging"), prod: ownCatalog("prod") };
  const ids = Object.fromEntries(Object.entries(APPLICATION).map(([tier, id]) => [tier, `, client_id: ${id}`]));
  const account = await startAccount(
    { catalogs, ...options.databricks },
    options.contract ?? COMPONENTS,
    { ...ids, sandbox: options.sandbox ?? "" },
    options.tls,
  );
  const repository = makeRepository();
  repository.commit({
    ...(options.files ?? FILES),
    "four-tier.yml": account.contractText,
    ".github/CODEOWNERS": "/.github/ @hubot\n/four-tier.yml @hubot\n",
  });
  const hub = await startGitHub(options.github ?? GITHUB, {
    repoDir: repository.folder,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  account.simulator.trustIssuer(hub.oidcIssuer, hub.jwksUrl);
  onTestFinished(() => hub.close());
  let branches = 0;
  const merge = async (files: Files): Promise<string> => {
    const branch = `change-${(branches += 1)}`;
    repository.git("checkout", "-q", "-b", branch);
    repository.commit(files);
    const number = await hub.openPullRequest({ head: branch, user: "octocat" });
    await hub.review(number, "hubot");
    const sha = await hub.mergePullRequest(number, "octocat");
    repository.git("checkout", "-q", "--force", "-B", "main", sha);
    return sha;
  };
  const sha = await merge(
    options.files === undefined ? { "src/scoring/score.py": "# Databricks notebook source\nprint('merged')\n" } : {},
  );
  const run: Project["run"] = async (inputs, { action = "promote", ...more } = {}) => {
    const tier = inputs["tier"] === "staging" || inputs["tier"] === "prod" ? inputs["tier"] : "dev";
    const promoting = inputs["mode"] !== "plan";
    const result = await runAction(action, {
      workspace: repository.folder,
      sha: repository.git("rev-parse", "main"),
      apiUrl: hub.apiUrl,
      githubToken: hub.userToken("hubot"),
      inputs: {
        "allowed-hosts": "127.0.0.1",
        ...(promoting ? { "client-secret": SECRET[tier] } : {}),
        ...inputs,
      },
      ...more,
      secrets: () => [
        ...Object.values(SECRET),
        ...account.simulator.secrets(),
        ...hub.secrets(),
        ...(typeof more.secrets === "function" ? more.secrets() : (more.secrets ?? [])),
      ],
    });
    expect(account.simulator.unmodelled).toEqual([]);
    expect(hub.unmodelled).toEqual([]);
    return result;
  };
  return { account, repository, hub, merge, run, sha };
}

/** The ids of what was annotated. */
export const titles = (run: ActionRun, level = "error"): (string | undefined)[] =>
  run.annotations.filter((annotation) => annotation.level === level).map(({ title }) => title);
