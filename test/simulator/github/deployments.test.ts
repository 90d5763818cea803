import { expect, test } from "vitest";
import type { GitHubSimulator } from "../../../simulator/github/server.ts";
import { asJob, asUser, begin, type Client, fakeRun } from "./harness.ts";

interface Deployment {
  readonly id: number;
  readonly statuses_url: string;
}

const create = async (client: Client, more: object = {}): Promise<Deployment> => {
  const body = { ref: "main", auto_merge: false, required_contexts: [], environment: "dev", ...more };
  const reply = await client.post("/deployments", body);
  expect(reply.status).toBe(201);
  return reply.body as Deployment;
};

const states = async (client: Client, deployment: Deployment): Promise<string[]> => {
  const { body } = await client.get(`/deployments/${deployment.id}/statuses`);
  return (body as { state: string }[]).map((status) => status.state);
};

const succeed = (client: Client, deployment: Deployment, more: object = {}): Promise<unknown> =>
  client.post(`/deployments/${deployment.id}/statuses`, { state: "success", ...more });

test("a success puts the one before it out of service, unless it is production or asked not to", async () => {
  await using world = await begin();
  const client = asUser(world.github, "octocat");
  const first = await create(client);
  await succeed(client, first);
  const second = await create(client);
  await succeed(client, second, { auto_inactive: false });
  expect(await states(client, first)).toEqual(["success"]);
  const third = await create(client);
  await succeed(client, third);
  expect(await states(client, first)).toEqual(["inactive", "success"]);
  expect(await states(client, second)).toEqual(["inactive", "success"]);
  const prod = { environment: "prod", production_environment: true };
  const [one, two] = [await create(client, prod), await create(client, prod)];
  await succeed(client, one);
  await succeed(client, two);
  expect(await states(client, one)).toEqual(["success"]);
});

test.each([true, false])("it does so whatever the task of the other: %s", async (inactive_whatever_task) => {
  await using world = await begin({ assumptions: { inactive_whatever_task } });
  const client = asUser(world.github, "octocat");
  const [ours, theirs] = [await create(client, { task: "four-tier" }), await create(client)];
  await succeed(client, ours);
  await succeed(client, theirs);
  expect(await states(client, ours)).toEqual(inactive_whatever_task ? ["inactive", "success"] : ["success"]);
});

test("what is left out has the service's defaults", async () => {
  await using world = await begin();
  const { github, repository } = world;
  const client = asUser(github, "octocat");
  const { body } = await client.post("/deployments", { ref: "main" });
  expect(body).toMatchObject({
    task: "deploy",
    environment: "production",
    production_environment: true,
    transient_environment: false,
    payload: {},
    creator: { login: "octocat" },
  });
  // A check that still runs is one of "all contexts": a workflow that deploys is in its own way.
  fakeRun(github, repository);
  expect(await client.post("/deployments", { ref: "main" })).toMatchObject({ status: 409 });
  expect((await client.post("/deployments", { ref: "nowhere" })).status).toBe(422);
});

test("lists are filtered, newest first, and what a deployment points to never moves", async () => {
  await using world = await begin();
  const { github, repository } = world;
  const client = asUser(github, "octocat");
  const sha = repository.git("rev-parse", "main");
  const old = await create(client, { payload: { release: "a" } });
  repository.commit("Move", { "a.txt": "a" });
  await create(client, { environment: "staging", task: "four-tier" });
  expect((await client.get("/deployments")).body).toMatchObject([{ environment: "staging" }, { environment: "dev" }]);
  expect((await client.get(`/deployments?sha=${sha}`)).body).toMatchObject([
    { id: old.id, sha, payload: { release: "a" } },
  ]);
  expect((await client.get("/deployments?task=four-tier&environment=dev")).body).toEqual([]);
});

test("a status says no more than 140 characters, and no state that GitHub does not know", async () => {
  await using world = await begin();
  const client = asUser(world.github, "octocat");
  const deployment = await create(client);
  const path = `/deployments/${deployment.id}/statuses`;
  expect((await client.post(path, { state: "success", description: "x".repeat(141) })).status).toBe(422);
  expect((await client.post(path, { state: "waiting" })).status).toBe(422);
  expect(await client.post(path, { state: "in_progress", log_url: "https://example.com/" })).toMatchObject({
    status: 201,
    body: { state: "in_progress", log_url: "https://example.com/", target_url: "https://example.com/" },
  });
});

test("an environment tells its rules to who may read actions", async () => {
  await using world = await begin({
    teams: { ml: ["octocat"] },
    environments: {
      prod: {
        reviewers: ["hubot", "team:ml"],
        prevent_self_review: true,
        can_admins_bypass: false,
        wait_timer: 5,
        branch_policy: "default",
      },
      dev: { branch_policy: "protected" },
    },
  });
  const { github, repository } = world;
  const job = fakeRun(github, repository);
  const client = asJob(github, job, { actions: "read" });
  expect((await client.get("/environments/PROD")).body).toMatchObject({
    name: "prod",
    can_admins_bypass: false,
    deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
    protection_rules: [
      { type: "wait_timer", wait_timer: 5 },
      {
        type: "required_reviewers",
        prevent_self_review: true,
        reviewers: [
          { type: "User", reviewer: { login: "hubot" } },
          { type: "Team", reviewer: { slug: "ml" } },
        ],
      },
      { type: "branch_policy" },
    ],
  });
  expect((await client.get("/environments/prod/deployment-branch-policies")).body).toMatchObject({
    branch_policies: [{ name: "main", type: "branch" }],
  });
  expect((await client.get("/environments/dev")).body).toMatchObject({
    deployment_branch_policy: { protected_branches: true, custom_branch_policies: false },
  });
  expect((await client.get("/environments/nowhere")).status).toBe(404);
  expect((await asJob(github, job, { deployments: "read" }).get("/environments/prod")).status).toBe(403);
});

test("rules of a branch: by ruleset for all to read, by classic protection for administrators", async () => {
  const rules = async (by: "ruleset" | "classic"): Promise<GitHubSimulator & AsyncDisposable> => {
    const world = await begin({
      protected_branches: { main: { by, required_status_checks: ["validate / validate"] } },
    });
    return { ...world.github, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
  };
  await using ruleset = await rules("ruleset");
  const client = asUser(ruleset, "octocat");
  const { body } = await client.get("/rules/branches/main");
  expect((body as { type: string }[]).map((rule) => rule.type)).toEqual([
    "deletion",
    "non_fast_forward",
    "pull_request",
    "required_status_checks",
  ]);
  expect((await client.get("/branches/main")).body).toMatchObject({ protected: true });
  await using classic = await rules("classic");
  expect((await asUser(classic, "octocat").get("/rules/branches/main")).body).toEqual([]);
  expect((await asUser(classic, "octocat").get("/branches/main/protection")).status).toBe(403);
  expect((await asUser(classic, "hubot").get("/branches/main/protection")).body).toMatchObject({
    required_status_checks: { contexts: ["validate / validate"] },
  });
});
