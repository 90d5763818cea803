import { expect, test } from "vitest";
import { named } from "../../../simulator/github/permissions.ts";
import type { GitHubScenarioInput } from "../../../simulator/github/scenario.ts";
import type { PendingReview, RunnerOptions } from "../../../simulator/runner/runner.ts";
import { asUser, Client } from "../github/harness.ts";
import { jobNamed, logOf, MAIN, steps, workflow } from "./harness.ts";

const deploy = (environment: string): string =>
  steps(
    "- id: k\n  run: echo 'key=${{ secrets.KEY }}' >> $GITHUB_OUTPUT\n- run: echo \"deployed ${{ secrets.KEY }} ${{ vars.PLACE }} ${SECRET:+has secret}\"\n  env: { SECRET: '${{ secrets.KEY }}' }",
    `environment: ${environment}`,
  );

const guarded = (more: object = {}): GitHubScenarioInput => ({
  variables: { PLACE: "repository" },
  environments: {
    prod: {
      reviewers: ["hubot", "octocat"],
      secrets: { KEY: "canary-value-1" },
      variables: { PLACE: "prod" },
      ...more,
    },
  },
});

const approve =
  (user: string): NonNullable<RunnerOptions["reviewer"]> =>
  () => ({ user, state: "approved", comment: "go" });

test("a job waits for its reviewer and then has the environment's secrets and variables", async () => {
  const asked: PendingReview[] = [];
  const reviewer: NonNullable<RunnerOptions["reviewer"]> = (pending) => {
    asked.push(pending);
    return { user: "hubot", state: "approved" };
  };
  await using world = await workflow(deploy("prod"), { scenario: guarded(), runner: { reviewer } });
  const run = await world.push();
  expect(run.conclusion).toBe("success");
  expect(asked).toMatchObject([{ environment: "prod", job: "job", reviewers: ["hubot", "octocat"] }]);
  expect(logOf(run)).toContain("deployed *** prod has secret");
  expect(JSON.stringify([run, world.github.world.runs[0]?.jobs[0]?.steps])).not.toContain("canary-value-1");
  const approvals = await asUser(world.github, "octocat").get(`/actions/runs/${run.id}/approvals`);
  expect(approvals.body).toMatchObject([
    { state: "approved", user: { login: "hubot" }, environments: [{ name: "prod" }] },
  ]);
});

test("a rejection fails the job before any step", async () => {
  const reviewer = (): { user: string; state: "rejected" } => ({ user: "hubot", state: "rejected" });
  await using world = await workflow(deploy("prod"), { scenario: guarded(), runner: { reviewer } });
  const run = await world.push();
  expect(run.conclusion).toBe("failure");
  expect(jobNamed(run, "job").steps).toEqual([]);
  expect(jobNamed(run, "job").annotations[0]?.message).toContain("was rejected");
});

test("an unknown environment is made, unprotected, and has no secrets", async () => {
  await using world = await workflow(deploy("porduction"), { scenario: guarded() });
  const run = await world.push();
  expect(run.conclusion).toBe("success");
  expect(logOf(run)).toContain("deployed  repository");
  const reply = await asUser(world.github, "octocat").get("/environments/porduction");
  expect(reply.body).toMatchObject({ name: "porduction", protection_rules: [], deployment_branch_policy: null });
});

test("a parked job is decided through the API: by a reviewer, not by the one who started it", async () => {
  await using world = await workflow(deploy("prod"), { scenario: guarded({ prevent_self_review: true }) });
  const { github } = world;
  const handle = await world.runner.start({ event: "push", workflow: MAIN, actor: "octocat" });
  const mona = asUser(github, "octocat");
  const path = `/actions/runs/${handle.id}/pending_deployments`;
  const pending = async (client: Client): Promise<readonly { environment: { id: number } }[]> => {
    for (;;) {
      const { body } = await client.get(path);
      const list = body as { environment: { id: number } }[];
      if (list.length > 0) return list;
    }
  };
  const [first] = await pending(mona);
  expect(first).toMatchObject({ environment: { name: "prod" }, current_user_can_approve: false });
  expect(await mona.get(`/actions/runs/${handle.id}`)).toMatchObject({ body: { status: "waiting" } });
  const decision = { environment_ids: [first?.environment.id], state: "approved", comment: "mine" };
  expect((await mona.post(path, decision)).status).toBe(422);
  const job = github.world.runs[0]?.jobs[0];
  if (job === undefined) throw new Error("no job");
  const everything = Object.fromEntries(["actions", "deployments"].map((scope) => [scope, "write"]));
  const bot = new Client(github, github.world.issue({ kind: "job", job, permissions: named(everything) }));
  expect((await bot.post(path, decision)).status).toBe(403);
  expect((await asUser(github, "hubot").post(path, decision)).status).toBe(200);
  expect((await handle.done).conclusion).toBe("success");
});

test("a branch that the policy does not allow fails the job, with and without a Deployment", async () => {
  for (const environment of ["prod", "{ name: prod, deployment: false }"]) {
    await using world = await workflow(deploy(environment), {
      scenario: guarded({ branch_policy: "default", reviewers: [] }),
    });
    world.repository.git("branch", "feature");
    const run = await world.runner.dispatch({ event: "push", workflow: MAIN, ref: "feature", actor: "octocat" });
    expect(run.conclusion).toBe("failure");
    expect(jobNamed(run, "job").annotations[0]?.message).toBe(
      'Branch "feature" is not allowed to deploy to prod due to environment protection rules.',
    );
    expect((await world.push()).conclusion).toBe("success");
  }
});

test("the other way that the facts leave open: no Deployment, no branch policy", async () => {
  await using world = await workflow(deploy("{ name: prod, deployment: false }"), {
    scenario: {
      ...guarded({ branch_policy: "default", reviewers: [] }),
      assumptions: { branch_policy_without_deployment: false },
    },
  });
  world.repository.git("branch", "feature");
  const run = await world.runner.dispatch({ event: "push", workflow: MAIN, ref: "feature", actor: "octocat" });
  expect(run.conclusion).toBe("success");
});

test("a pull request's ref is no branch: a policy of protected branches refuses it", async () => {
  await using world = await workflow(deploy("prod").replace("on: push", "on: pull_request"), {
    scenario: guarded({ branch_policy: "protected", reviewers: [] }),
  });
  world.repository.commit("Feature", { "f.txt": "f" }, "feature");
  const pullRequest = await world.github.openPullRequest({ head: "feature", user: "octocat" });
  const run = await world.runner.dispatch({ event: "pull_request", workflow: MAIN, actor: "octocat", pullRequest });
  expect(jobNamed(run, "job").annotations[0]?.message).toContain('Branch "refs/pull/1/merge" is not allowed');
});

test("the service keeps a Deployment of a job with an environment, unless it is told not to", async () => {
  const states = async (environment: string): Promise<unknown> => {
    await using world = await workflow(deploy(environment), {
      scenario: guarded(),
      runner: { reviewer: approve("hubot") },
    });
    await world.push();
    const client = asUser(world.github, "octocat");
    const { body } = await client.get("/deployments?environment=prod");
    const [deployment] = body as { id: number; task: string }[];
    if (deployment === undefined) return "none";
    const statuses = (await client.get(`/deployments/${deployment.id}/statuses`)).body as {
      state: string;
      environment_url: string;
    }[];
    return statuses.map((status) => status.state + (status.environment_url ? ` ${status.environment_url}` : ""));
  };
  expect(await states("{ name: prod, url: 'https://example.com/${{ github.ref_name }}' }")).toEqual([
    "success https://example.com/main",
    "in_progress",
    "waiting",
  ]);
  // An address that holds a secret is left out.
  expect(await states("{ name: prod, url: 'https://example.com/${{ steps.k.outputs.key }}' }")).toEqual([
    "success",
    "in_progress",
    "waiting",
  ]);
  expect(await states("{ name: prod, deployment: false }")).toBe("none");
});

test("a wait timer costs no time here, but is said", async () => {
  const said: string[] = [];
  await using world = await workflow(deploy("prod"), {
    scenario: guarded({ wait_timer: 30, reviewers: [] }),
    runner: {
      onEvent: (event) => {
        if (event.type === "job-waiting") said.push(event.why);
      },
    },
  });
  expect((await world.push()).conclusion).toBe("success");
  expect(said).toEqual(["the wait timer of prod: 30 minutes, passed over here"]);
});

test("a fork's pull request has no secrets, a reading token and no OIDC", async () => {
  const text = `on: pull_request
permissions: { contents: write, id-token: write, deployments: write }
jobs:
  job:
    runs-on: ubuntu-latest
    environment: prod
    steps:
      - env: { KEY: "\${{ secrets.KEY }}", TOKEN: "\${{ github.token }}" }
        run: |
          echo "key [\${#KEY}] oidc [\${ACTIONS_ID_TOKEN_REQUEST_URL:+yes}]"
          node -e 'fetch(process.env.GITHUB_API_URL + "/repos/acme/ml-pipelines/deployments", { method: "POST", headers: { authorization: "Bearer " + process.env.TOKEN, "content-type": "application/json" }, body: JSON.stringify({ ref: "feature" }) }).then((r) => console.log("answer", r.status))'
`;
  const log = async (fork: object): Promise<string> => {
    await using world = await workflow(text, { scenario: guarded({ reviewers: [] }) });
    world.repository.commit("Feature", { "f.txt": "f" }, "feature");
    const pullRequest = await world.github.openPullRequest({ head: "feature", user: "octocat", ...fork });
    return logOf(await world.runner.dispatch({ event: "pull_request", workflow: MAIN, actor: "octocat", pullRequest }));
  };
  const forked = await log({ fork: "mallory" });
  expect(forked).toContain("key [0] oidc []");
  expect(forked).toContain("answer 403");
  const own = await log({});
  expect(own).toContain("key [14] oidc [yes]");
  expect(own).toContain("answer 409");
});

test("a re-run keeps what was approved before, and asks again", async () => {
  let asked = 0;
  const reviewer: NonNullable<RunnerOptions["reviewer"]> = () => {
    asked += 1;
    return { user: "hubot", state: "approved" };
  };
  await using world = await workflow(deploy("prod"), { scenario: guarded(), runner: { reviewer } });
  const first = await world.push();
  const second = await world.runner.rerun(first.id, { actor: "hubot" });
  expect(second).toMatchObject({ id: first.id, attempt: 2, conclusion: "success" });
  expect(asked).toBe(2);
  const client = asUser(world.github, "octocat");
  expect((await client.get(`/actions/runs/${first.id}/approvals`)).body).toHaveLength(2);
  expect(await client.get(`/actions/runs/${first.id}`)).toMatchObject({
    body: { run_attempt: 2, actor: { login: "octocat" }, triggering_actor: { login: "hubot" } },
  });
  expect(await client.get(`/actions/runs/${first.id}/attempts/1/jobs`)).toMatchObject({
    body: { total_count: 1, jobs: [{ run_attempt: 1, conclusion: "success" }] },
  });
});
