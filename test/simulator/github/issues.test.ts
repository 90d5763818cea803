import { expect, test } from "vitest";
import { asJob, asUser, begin, fakeRun } from "./harness.ts";

interface Issue {
  readonly number: number;
  readonly state: string;
  readonly user: { readonly login: string; readonly type: string };
}

test("a job with issues: write opens, changes, closes and comments; its issues are the bot's", async () => {
  await using world = await begin();
  const job = asJob(world.github, fakeRun(world.github, world.repository), { issues: "write" });
  const made = await job.post("/issues", { title: "Drift", body: "a", labels: ["drift"] });
  expect(made.status).toBe(201);
  const issue = made.body as Issue;
  expect(issue.user).toMatchObject({ login: "github-actions[bot]", type: "Bot" });
  const path = `/issues/${issue.number}`;
  const closed = await job.request("PATCH", path, { body: "b", state: "closed", state_reason: "completed" });
  expect(closed.body).toMatchObject({ state: "closed", body: "b", title: "Drift" });
  expect((await job.post(`${path}/comments`, { body: "clean" })).status).toBe(201);
  const listed = async (query: string): Promise<unknown[]> => (await job.get(`/issues?${query}`)).body as unknown[];
  expect(await listed("labels=drift")).toEqual([]);
  expect(await listed("labels=drift&state=all")).toHaveLength(1);
  expect(await listed("labels=other&state=all")).toEqual([]);
});

test("a job without the permission is refused; an issue that is not there is not found; a long body is refused", async () => {
  await using world = await begin();
  const run = fakeRun(world.github, world.repository);
  expect((await asJob(world.github, run, { contents: "write" }).post("/issues", { title: "x" })).status).toBe(403);
  const job = asJob(world.github, run, { issues: "write" });
  expect((await job.request("PATCH", "/issues/99", { state: "closed" })).status).toBe(404);
  expect((await job.post("/issues/99/comments", { body: "x" })).status).toBe(404);
  expect((await job.post("/issues", { title: "x", body: "y".repeat(65_537) })).status).toBe(422);
});

test("issues and pull requests share their numbers", async () => {
  await using world = await begin();
  const client = asUser(world.github, "octocat");
  const first = (await client.post("/issues", { title: "one" })).body as Issue;
  const second = (await client.post("/issues", { title: "two" })).body as Issue;
  expect([first.number, second.number]).toEqual([1, 2]);
});
