import { expect, test } from "vitest";
import { ConcurrencyGroups } from "../../../simulator/github/concurrency.ts";
import { claims, subject, type TokenFacts } from "../../../simulator/github/oidc.ts";
import {
  allows,
  everywhere,
  excess,
  intersect,
  named,
  readOnly,
  repositoryDefault,
} from "../../../simulator/github/permissions.ts";
import {
  effectiveSettings,
  environmentGate,
  madeInactive,
  refAllowed,
  reviewRefusal,
  visibleSecrets,
} from "../../../simulator/github/rules.ts";
import { parseGitHubScenario, unprotected } from "../../../simulator/github/scenario.ts";
import { matchesPattern } from "../../../simulator/github/text.ts";
import { World } from "../../../simulator/github/world.ts";

const guarded = { ...unprotected(), reviewers: ["hubot"], wait_timer: 5, secrets: { A: "a" } };
const facts = (ref: string) => ({ ref, defaultBranch: "main", protectedBranches: ["main", "release/*"] });
const BOTH = { deployment: true, policyWithoutDeployment: true };

test("what a plan cannot do is not done, silently, as on the service", () => {
  const settings = { ...guarded, branch_policy: "default" as const };
  expect(effectiveSettings(settings, { visibility: "public", plan: "free" })).toEqual(settings);
  expect(effectiveSettings(settings, { visibility: "private", plan: "enterprise" })).toEqual(settings);
  expect(effectiveSettings(settings, { visibility: "private", plan: "team" })).toMatchObject({
    reviewers: [],
    wait_timer: 0,
    branch_policy: "default",
    secrets: { A: "a" },
  });
  expect(effectiveSettings(settings, { visibility: "private", plan: "free" })).toMatchObject({
    reviewers: [],
    branch_policy: "none",
    secrets: {},
  });
});

test("branch policies: any, protected, the default branch, patterns; a pull request's ref is no branch", () => {
  const allowed = (branch_policy: "none" | "protected" | "default" | string[], ref: string): boolean =>
    refAllowed({ ...unprotected(), branch_policy }, facts(ref));
  expect(allowed("none", "refs/pull/1/merge")).toBe(true);
  expect(allowed("protected", "refs/heads/release/2")).toBe(true);
  expect(allowed("protected", "refs/heads/feature")).toBe(false);
  expect(allowed("protected", "refs/pull/1/merge")).toBe(false);
  expect(allowed("default", "refs/heads/main")).toBe(true);
  expect(allowed("default", "refs/heads/main2")).toBe(false);
  expect(allowed(["hotfix/*"], "refs/heads/hotfix/a")).toBe(true);
  expect(allowed(["hotfix/*"], "refs/heads/hotfix/a/b")).toBe(false);
  expect(allowed(["refs/pull/*/merge"], "refs/pull/7/merge")).toBe(true);
});

test("the gate refuses a ref before anybody is asked", () => {
  const settings = { ...guarded, branch_policy: "default" as const };
  expect(environmentGate("prod", settings, facts("refs/heads/x"), BOTH).kind).toBe("refused");
  expect(environmentGate("prod", settings, facts("refs/heads/main"), BOTH)).toEqual({
    kind: "wait",
    minutes: 5,
    review: true,
  });
  const off = { deployment: false, policyWithoutDeployment: false };
  expect(environmentGate("prod", settings, facts("refs/heads/x"), off).kind).toBe("wait");
  expect(environmentGate("prod", unprotected(), facts("refs/heads/x"), BOTH)).toEqual({ kind: "open" });
});

test("who may review", () => {
  const teams = { ml: ["mona"] };
  const settings = { ...guarded, reviewers: ["hubot", "team:ml"] };
  expect(reviewRefusal(settings, teams, "mona", "mona")).toBeUndefined();
  expect(reviewRefusal(settings, teams, "mallory", "mona")).toContain("not a required reviewer");
  expect(reviewRefusal({ ...settings, prevent_self_review: true }, teams, "mona", "mona")).toContain("self-review");
});

test("secrets: an environment's win over those that were passed, and forks have none", () => {
  const base = {
    given: { A: "passed", B: "b" },
    environment: { A: "environment" },
    called: true,
    inherited: true,
    untrusted: false,
    environmentSecretsNeedInherit: true,
  };
  expect(visibleSecrets(base)).toEqual({ A: "environment", B: "b" });
  expect(visibleSecrets({ ...base, inherited: false })).toEqual({ A: "passed", B: "b" });
  expect(visibleSecrets({ ...base, called: false, inherited: false })).toEqual({ A: "environment", B: "b" });
  expect(visibleSecrets({ ...base, inherited: false, environmentSecretsNeedInherit: false })).toMatchObject({
    A: "environment",
  });
  expect(visibleSecrets({ ...base, untrusted: true })).toEqual({});
});

test("a success makes earlier ones inactive, but not in production, not elsewhere, not later ones", () => {
  const one = (id: number, more: object = {}) => ({
    id,
    environment: "dev",
    transient: false,
    production: false,
    state: "success",
    ...more,
  });
  const list = [
    one(1),
    one(2, { production: true }),
    one(3, { environment: "staging" }),
    one(4, { state: "failure" }),
    one(5, { transient: true }),
    one(9),
  ];
  expect(madeInactive(list, { id: 7, environment: "dev" }).map((deployment) => deployment.id)).toEqual([1]);
});

test("permissions: what is not named is none, and callers limit", () => {
  const caller = named({ contents: "read", deployments: "write" });
  expect(allows(caller, "deployments", "read")).toBe(true);
  expect(allows(caller, "contents", "write")).toBe(false);
  expect(allows(caller, "actions", "read")).toBe(false);
  expect(excess(named({ contents: "read" }), caller)).toBeUndefined();
  expect(excess(named({ contents: "write", actions: "read" }), caller)).toEqual({
    requesting: "actions: read, contents: write",
    allowed: "actions: none, contents: read",
  });
  expect(intersect(everywhere("write"), caller)).toEqual(caller);
  expect(repositoryDefault("write")["id-token"]).toBe("none");
  expect(repositoryDefault("read")).toEqual(named({ contents: "read", packages: "read" }));
  expect(readOnly(named({ deployments: "write", "id-token": "write" }))).toEqual(named({ deployments: "read" }));
});

test("subjects: the first that matches, with ids if the repository is young, colons escaped", () => {
  const world = (immutable_subjects: boolean): World =>
    new World(parseGitHubScenario({ immutable_subjects, id: 7, owner_id: 3 }), "/nowhere");
  const about = (more: Partial<TokenFacts>) => ({
    environment: undefined,
    event: "push",
    ref: "refs/heads/main",
    ...more,
  });
  expect(subject(world(false), about({ environment: "prod:eu" }))).toBe("repo:acme/ml-pipelines:environment:prod%3Aeu");
  expect(subject(world(false), about({ event: "pull_request", environment: "dev" }))).toContain(":environment:dev");
  expect(subject(world(false), about({ event: "pull_request" }))).toBe("repo:acme/ml-pipelines:pull_request");
  expect(subject(world(true), about({}))).toBe("repo:acme@3/ml-pipelines@7:ref:refs/heads/main");
  const all = claims(world(false), {
    ...about({}),
    refProtected: true,
    sha: "a",
    headRef: "",
    baseRef: "",
    actor: "octocat",
    runId: 1,
    runNumber: 2,
    runAttempt: 3,
    checkRunId: 4,
    workflow: "w",
    workflowRef: "x",
    workflowSha: "y",
    jobWorkflowRef: "z",
    jobWorkflowSha: "s",
  });
  expect(all).not.toHaveProperty("environment");
  expect(all).toMatchObject({ run_id: "1", ref_protected: "true", job_workflow_ref: "z", repository_owner_id: "3" });
});

test("patterns stop at slashes", () => {
  expect(matchesPattern("*", "a/b")).toBe(false);
  expect(matchesPattern("**", "a/b")).toBe(true);
  expect(matchesPattern("src/**/x.py", "src/x.py")).toBe(true);
  expect(matchesPattern("release/*", "release/1.2")).toBe(true);
  expect(matchesPattern("a.c", "abc")).toBe(false);
});

test("a group lets one in, keeps the newest waiting, or all of them", async () => {
  const groups = new ConcurrencyGroups();
  const pushed: string[] = [];
  const ask = (name: string, queue: "single" | "max" = "single") =>
    groups.enter({ group: "G", queue, cancelInProgress: false, cancel: () => pushed.push(name) });
  const leave = await ask("first");
  const second = ask("second");
  const third = groups.enter({
    group: "g",
    queue: "single",
    cancelInProgress: false,
    cancel: () => pushed.push("third"),
  });
  expect(await second).toBeUndefined();
  expect(pushed).toEqual(["second"]);
  leave?.();
  const leaveThird = await third;
  expect(leaveThird).toBeDefined();
  const fourth = ask("fourth", "max");
  const fifth = ask("fifth", "max");
  expect(groups.state("G")).toEqual({ running: true, waiting: 2 });
  leaveThird?.();
  (await fourth)?.();
  (await fifth)?.();
  expect(groups.state("G")).toEqual({ running: false, waiting: 0 });
});

test("a scenario with a key nobody knows is refused by its name", () => {
  expect(() => parseGitHubScenario({ enviroments: {} })).toThrow("enviroments");
  expect(() => parseGitHubScenario({ environments: { prod: { reviewer: "x" } } })).toThrow(
    "environments.prod.reviewer",
  );
});
