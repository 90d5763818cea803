/** Runs that a token starts and ends: only with actions: write, by the account of workflows, named if that is asked for. */
import { expect, it } from "vitest";
import { named } from "../../../simulator/github/permissions.ts";
import { Refusal } from "../../../simulator/github/world.ts";
import { begin, fakeRun } from "./harness.ts";

const DISPATCH = "/actions/workflows/promote.yml/dispatches";

it("a dispatch starts a run as github-actions[bot]; a run that waits is cancelled, one that has ended is not", async () => {
  await using world = await begin({}, {});
  const { github, repository } = world;
  const job = fakeRun(github, repository);
  const asked: unknown[] = [];
  const ask = async (path: string, body: object | undefined, actions: "read" | "write" = "write") => {
    const token = github.world.issue({ kind: "job", job, permissions: named({ actions }) });
    const response = await fetch(`${github.apiUrl}/repos/acme/ml-pipelines${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
  };
  const inputs = { commit: "c" };
  expect((await ask(DISPATCH, { ref: "main", inputs }, "read")).status).toBe(403);
  expect((await ask(DISPATCH, { ref: "main", inputs })).status).toBe(501);
  github.world.runners.push({
    dispatch: (...what) => {
      if (what[0].endsWith("other.yml")) throw new Refusal(422, "Workflow does not have 'workflow_dispatch' trigger");
      asked.push(what);
      return Promise.resolve(77);
    },
    cancel: (run) => run === job.run,
  });
  expect(await ask(DISPATCH, { ref: "main", inputs })).toEqual({ status: 204, body: undefined });
  expect(await ask(DISPATCH, { ref: "main", inputs, return_run_details: true })).toMatchObject({
    status: 200,
    body: { workflow_run_id: 77, html_url: "https://github.com/acme/ml-pipelines/actions/runs/77" },
  });
  expect(asked.at(-1)).toEqual([".github/workflows/promote.yml", "main", "github-actions[bot]", inputs]);
  expect((await ask("/actions/workflows/other.yml/dispatches", { ref: "main" })).status).toBe(422);

  const cancel = `/actions/runs/${job.run.id}/cancel`;
  expect((await ask(cancel, undefined, "read")).status).toBe(403);
  expect((await ask(cancel, undefined)).status).toBe(202);
  job.run.status = "completed";
  expect((await ask(cancel, undefined)).status).toBe(409);
});
