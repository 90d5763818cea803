import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { RunnerEvent } from "../../../simulator/runner/runner.ts";
import { asUser } from "../github/harness.ts";
import { jobNamed, logOf, MAIN, steps, workflow } from "./harness.ts";

test("a matrix is one job a combination, and the last success that sets an output decides", async () => {
  const text = steps(
    '- id: s\n  run: echo "who=${{ matrix.os }}-${{ matrix.v }}-${{ matrix.extra }}" >> "$GITHUB_OUTPUT"',
    `strategy:
  max-parallel: 1
  matrix:
    os: [a, b]
    v: [1, 2]
    exclude: [{ os: b, v: 1 }]
    include: [{ os: a, v: 2, extra: more }, { os: c, v: 9 }]
outputs: { who: "\${{ steps.s.outputs.who }}" }`,
  );
  await using world = await workflow(text);
  const run = await world.push();
  expect(run.jobs.map((job) => [job.name, job.outputs["who"]])).toEqual([
    ["job (a, 1)", "a-1-"],
    ["job (a, 2, more)", "a-2-more"],
    ["job (b, 2)", "b-2-"],
    ["job (c, 9)", "c-9-"],
  ]);
});

test("conditions of jobs ask for their needs", async () => {
  const text = `on: push
jobs:
  bad: { runs-on: x, steps: [{ run: exit 1 }] }
  off: { if: "github.ref == 'refs/heads/other'", runs-on: x, steps: [{ run: echo off }] }
  tidy: { needs: [bad], if: "always()", runs-on: x, steps: [{ run: "echo tidy \${{ needs.bad.result }}" }] }
  told: { needs: [bad], if: "failure()", runs-on: x, steps: [{ run: echo told }] }
  next: { needs: [off], runs-on: x, steps: [{ run: echo next }] }
`;
  await using world = await workflow(text);
  const run = await world.push();
  expect(Object.fromEntries(run.jobs.map((job) => [job.name, job.conclusion]))).toEqual({
    bad: "failure",
    off: "skipped",
    tidy: "success",
    told: "success",
    next: "skipped",
  });
  expect(jobNamed(run, "tidy").steps[0]?.log).toContain("tidy failure");
});

test("one runs and one waits in a group; a newer one takes the waiting one's place", async () => {
  const text = steps("- run: sleep 0.4", "concurrency: promote");
  await using world = await workflow(text);
  const handles = [];
  for (let index = 0; index < 3; index += 1) {
    handles.push(await world.runner.start({ event: "push", workflow: MAIN, actor: "octocat" }));
  }
  const [first, second, third] = await Promise.all(handles.map((handle) => handle.done));
  if (first === undefined || second === undefined || third === undefined) throw new Error("three runs were started");
  expect([first.conclusion, second.conclusion, third.conclusion]).toEqual(["success", "cancelled", "success"]);
  expect(jobNamed(second, "job").annotations[0]?.message).toContain("higher priority waiting request");
});

test("a job that is pushed out of its group is cancelled, its run goes on", async () => {
  const text = `on: push
jobs:
  guarded: { concurrency: g, runs-on: x, steps: [{ run: sleep 0.4 }] }
  other: { runs-on: x, steps: [{ run: sleep 0.6 }] }
`;
  await using world = await workflow(text);
  const handles = [];
  for (let index = 0; index < 3; index += 1) {
    handles.push(await world.runner.start({ event: "push", workflow: MAIN, actor: "octocat" }));
  }
  const second = await handles[1]?.done;
  if (second === undefined) throw new Error("three runs were started");
  expect(jobNamed(second, "guarded").conclusion).toBe("cancelled");
  expect(jobNamed(second, "other").conclusion).toBe("success");
  await Promise.all(handles.map((handle) => handle.done));
});

test("whether a parked job holds its group can be had both ways", async () => {
  const state = async (concurrency_before_approval: boolean): Promise<unknown> => {
    await using world = await workflow(steps("- run: true", "environment: prod\nconcurrency: g"), {
      scenario: { environments: { prod: { reviewers: ["hubot"] } }, assumptions: { concurrency_before_approval } },
      runner: {
        reviewer: () => ({
          user: "hubot",
          state: seen.push(world.github.world.concurrency.state("g")) > 0 ? "approved" : "rejected",
        }),
      },
    });
    const seen: unknown[] = [];
    await world.push();
    return seen[0];
  };
  expect(await state(false)).toMatchObject({ running: false });
  expect(await state(true)).toMatchObject({ running: true });
});

test("what is not modelled ends a run at once, whatever else waits", async () => {
  const text = `on: push
jobs:
  waits: { environment: prod, runs-on: x, steps: [{ run: echo }] }
  odd: { runs-on: x, steps: [{ run: sleep 0.1 }, { run: echo, shell: pwsh }] }
`;
  await using world = await workflow(text, { scenario: { environments: { prod: { reviewers: ["hubot"] } } } });
  await expect(world.push()).rejects.toThrow("shell pwsh");
});

test("a job's token ends with the job", async () => {
  await using world = await workflow(steps("- run: echo \"$T\" | sed 's/./& /g'\n  env: { T: '${{ github.token }}' }"));
  const token = /\n((?:\S ){20,})/.exec(logOf(await world.push()))?.[1]?.replaceAll(" ", "") ?? "";
  expect(token).toMatch(/^ghs_/);
  const response = await fetch(`${world.github.apiUrl}/repos/acme/ml-pipelines`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(401);
});

test("queue: max keeps all in order", async () => {
  const ended: string[] = [];
  const text = steps("- run: echo hi", "concurrency: { group: promote, queue: max }");
  await using world = await workflow(text, {
    runner: {
      onEvent: (event: RunnerEvent) => {
        if (event.type === "run-end") ended.push(`${event.run} ${event.result.conclusion}`);
      },
    },
  });
  const handles = [];
  for (let index = 0; index < 3; index += 1) {
    handles.push(await world.runner.start({ event: "push", workflow: MAIN, actor: "octocat" }));
  }
  await Promise.all(handles.map((handle) => handle.done));
  expect(ended).toEqual(handles.map((handle) => `${handle.id} success`));
});

test("cancel-in-progress stops the run before; a caller and its callee in one group is a deadlock", async () => {
  const text = steps("- run: sleep 20", "").replace(
    "jobs:",
    "concurrency: { group: x, cancel-in-progress: true }\njobs:",
  );
  const started = Promise.withResolvers<undefined>();
  await using world = await workflow(text, {
    runner: {
      onEvent: (event: RunnerEvent) => {
        if (event.type === "step-start") started.resolve(undefined);
      },
    },
  });
  const first = world.push();
  await started.promise;
  world.repository.commit("Quick", { [MAIN]: text.replace("sleep 20", "true") });
  expect((await world.push()).conclusion).toBe("success");
  expect((await first).conclusion).toBe("cancelled");
  const called = ".github/workflows/called.yml";
  await using dead = await workflow(`on: push\njobs: { a: { concurrency: g, uses: ./${called} } }\n`, {
    files: { [called]: "on: workflow_call\nconcurrency: g\njobs: { b: { runs-on: x, steps: [{ run: echo }] } }\n" },
  });
  const run = await dead.push();
  expect(run.conclusion).toBe("cancelled");
  expect(run.errors[0]).toContain("deadlock for concurrency group 'g'");
});

test("a cancelled run ends its steps, and always() still tidies", async () => {
  const text = steps("- run: sleep 20\n- run: echo tidied\n  if: always()");
  const started = Promise.withResolvers<number>();
  await using world = await workflow(text, {
    runner: {
      onEvent: (event: RunnerEvent) => {
        if (event.type === "step-start") started.resolve(event.run);
      },
    },
  });
  const run = world.push();
  await world.runner.cancel(await started.promise);
  const result = await run;
  expect(result.conclusion).toBe("cancelled");
  expect(jobNamed(result, "job").steps.map((step) => step.conclusion)).toEqual(["cancelled", "success"]);
});

test("a re-run of the failed jobs keeps the others' outputs", async () => {
  const text = `on: push
jobs:
  a:
    runs-on: x
    outputs: { at: "\${{ steps.s.outputs.at }}" }
    steps: [{ id: s, run: 'echo "at=$GITHUB_RUN_ATTEMPT" >> "$GITHUB_OUTPUT"' }]
  b:
    needs: a
    runs-on: x
    steps: [{ run: 'echo "a was \${{ needs.a.outputs.at }}, this is $GITHUB_RUN_ATTEMPT" && [ "$GITHUB_RUN_ATTEMPT" = 2 ]' }]
`;
  await using world = await workflow(text);
  const first = await world.push();
  expect(first.conclusion).toBe("failure");
  const second = await world.runner.rerun(first.id, { actor: "octocat", jobs: "failed" });
  expect(second.conclusion).toBe("success");
  expect(jobNamed(second, "b").steps[0]?.log).toContain("a was 1, this is 2");
});

test("events are filtered as their workflow says, and a dispatch needs the default branch", async () => {
  const text = steps(
    '- run: echo "${{ inputs.tier }} ${{ inputs.live == true }} ${{ github.event.inputs.live }}"',
  ).replace(
    "on: push",
    `on:
  push: { branches: ["release/**"] }
  workflow_dispatch:
    inputs: { tier: { type: choice, options: [dev, prod], default: dev }, live: { type: boolean } }`,
  );
  await using world = await workflow(text);
  await expect(world.push()).rejects.toThrow("its branches do not include main");
  const dispatch = { event: "workflow_dispatch", workflow: MAIN, actor: "octocat" };
  expect(logOf(await world.runner.dispatch({ ...dispatch, inputs: { live: true } }))).toContain("dev true true");
  await expect(world.runner.dispatch({ ...dispatch, inputs: { tier: "staging" } })).rejects.toThrow("allowed values");
  world.repository.commit("Only here", { ".github/workflows/new.yml": text }, "side");
  const only = { ...dispatch, workflow: ".github/workflows/new.yml", ref: "side" };
  await expect(world.runner.dispatch(only)).rejects.toThrow("is not on main");
});

test("a pull request's run is of the merge commit, its checks are on the head", async () => {
  const text = steps(
    '- run: echo "$GITHUB_SHA $GITHUB_REF $GITHUB_HEAD_REF $GITHUB_BASE_REF ${{ github.event.pull_request.head.sha }}"',
  ).replace("on: push", "on: { pull_request: {}, merge_group: {} }");
  await using world = await workflow(text);
  const head = world.repository.commit("Feature", { "f.txt": "f" }, "feature");
  const pullRequest = await world.github.openPullRequest({ head: "feature", user: "octocat" });
  const event = { event: "pull_request", workflow: MAIN, actor: "octocat", pullRequest };
  const run = await world.runner.dispatch(event);
  const merge = world.repository.git("rev-parse", "refs/pull/1/merge");
  expect(logOf(run)).toContain(`${merge} refs/pull/1/merge feature main ${head}`);
  const client = asUser(world.github, "octocat");
  expect(await client.get(`/commits/${head}/check-runs`)).toMatchObject({
    body: { total_count: 1, check_runs: [{ name: "job", conclusion: "success" }] },
  });
  expect(await client.get(`/actions/runs/${run.id}`)).toMatchObject({
    body: { head_sha: head, head_branch: "feature", event: "pull_request", pull_requests: [{ number: 1 }] },
  });
  const queued = await world.runner.dispatch({ ...event, event: "merge_group" });
  expect(logOf(queued)).toContain("refs/heads/gh-readonly-queue/main/pr-1-");
});

test("nothing is left on the disk", async () => {
  const world = await workflow(steps("- run: pwd"));
  const run = await world.push();
  const root = /\n(\/\S*four-tier-job-\w+)/.exec(logOf(run))?.[1] ?? "/";
  expect(existsSync(root)).toBe(false);
  const { dir } = world.repository;
  await world[Symbol.asyncDispose]();
  expect(existsSync(dir)).toBe(false);
});
