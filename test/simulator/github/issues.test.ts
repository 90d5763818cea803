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

test("a job with pull-requests: write comments on a pull request and changes its comment; a locked one takes people's alone", async () => {
  await using world = await begin();
  world.repository.commit("Change", { "a.txt": "1" }, "change");
  const number = await world.github.openPullRequest({ head: "change", user: "octocat", title: "Change" });
  const path = `/issues/${number}/comments`;
  const run = fakeRun(world.github, world.repository);
  const job = asJob(world.github, run, { "pull-requests": "write" });
  const reader = asJob(world.github, run, { "pull-requests": "read", contents: "write" });

  const made = (await job.post(path, { body: "first" })).body as { readonly id: number; readonly html_url: string };
  expect(made.html_url).toMatch(new RegExp(`/${number}#issuecomment-${made.id}$`));
  expect((await reader.post(path, { body: "x" })).status).toBe(403);
  expect((await reader.request("PATCH", `/issues/comments/${made.id}`, { body: "x" })).status).toBe(403);
  expect((await job.request("PATCH", "/issues/comments/99", { body: "x" })).status).toBe(404);
  expect((await job.request("PATCH", `/issues/comments/${made.id}`, { body: "y".repeat(65_537) })).status).toBe(422);
  expect((await reader.get(path)).body).toMatchObject([{ body: "first", user: { login: "github-actions[bot]" } }]);
  expect((await reader.get(`${path}?since=2100-01-01T00:00:00Z`)).body).toEqual([]);
  expect((await reader.get(`${path}?since=yesterday`)).status).toBe(422);

  const pull = world.github.world.pulls.find((one) => one.number === number);
  if (pull === undefined) throw new Error("it was opened");
  pull.locked = true;
  const refused = await job.post(path, { body: "second" });
  expect([refused.status, refused.body]).toMatchObject([
    403,
    { message: "Unable to create comment because issue is locked." },
  ]);
  expect((await job.request("PATCH", `/issues/comments/${made.id}`, { body: "second" })).status).toBe(403);
  expect((await asUser(world.github, "octocat").post(path, { body: "second" })).status).toBe(201);
});
