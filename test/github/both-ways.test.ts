/** What is not known of GitHub and decides what its API answers, as our client meets it, in both positions. */
import { expect, it } from "vitest";
import { named } from "../../simulator/github/permissions.ts";
import type { GitHubScenarioInput } from "../../simulator/github/scenario.ts";
import { connectGitHub } from "../../src/github/client.ts";
import { createDeployment, listDeployments } from "../../src/github/deployments.ts";
import { mayWrite } from "../../src/github/repository.ts";
import { dispatchWorkflow } from "../../src/github/runs.ts";
import { QUIET } from "../run.ts";
import { begin, fakeRun } from "../simulator/github/harness.ts";

async function asJob(assumptions: NonNullable<GitHubScenarioInput["assumptions"]>) {
  const world = await begin({ assumptions });
  const { github, repository } = world;
  const permissions = named({ contents: "read", deployments: "write", actions: "write" });
  const token = github.world.issue({ kind: "job", job: fakeRun(github, repository), permissions });
  const client = connectGitHub({
    token,
    apiUrl: github.apiUrl,
    serverUrl: "https://github.com",
    owner: "acme",
    repository: "ml-pipelines",
    log: QUIET,
  });
  return Object.assign(world, { client });
}

it.each([true, false])("a job's token may ask for anybody's permission: %s", async (job_tokens_read_roles) => {
  await using world = await asJob({ job_tokens_read_roles });
  // what nobody may know is not a no
  expect(await mayWrite(world.client, "octocat")).toBe(job_tokens_read_roles ? true : undefined);
  expect(world.github.unmodelled).toEqual([]);
});

it.each([true, false])("a dispatch names its run: %s", async (dispatch_names_run) => {
  await using world = await asJob({ dispatch_names_run });
  world.github.world.runners.push({ dispatch: () => Promise.resolve(77), cancel: () => false });
  const started = await dispatchWorkflow(world.client, { workflow: "promote.yml", ref: "main", inputs: {} });
  expect(started).toBe(dispatch_names_run ? "77" : undefined);
  expect(world.github.unmodelled).toEqual([]);
});

it.each([true, false])("the filter of tasks is exact: %s", async (task_filter_is_exact) => {
  await using world = await asJob({ task_filter_is_exact });
  const { client, repository } = world;
  const sha = repository.git("rev-parse", "HEAD");
  for (const task of ["four-tier", "four-tier:hold"]) {
    await createDeployment(client, {
      sha,
      environment: "dev",
      production: false,
      task,
      description: "",
      payload: { task },
    });
  }
  const found = [];
  for await (const { task } of listDeployments(client, { environment: "dev", task: "four-tier" })) found.push(task);
  // more than was asked for is told by what each record says of itself
  expect(found).toEqual(task_filter_is_exact ? ["four-tier"] : ["four-tier:hold", "four-tier"]);
  expect(world.github.unmodelled).toEqual([]);
});
