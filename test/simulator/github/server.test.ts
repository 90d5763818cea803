import { expect, test } from "vitest";
import { asJob, asUser, begin, Client, fakeRun } from "./harness.ts";

test("a job's token may do exactly what it was granted", async () => {
  await using world = await begin();
  const { github, repository } = world;
  const job = fakeRun(github, repository);
  const body = { ref: "main", auto_merge: false, required_contexts: [], environment: "dev" };
  const reader = asJob(github, job, { deployments: "read" });
  expect(await reader.post("/deployments", body)).toMatchObject({
    status: 403,
    body: { message: "Resource not accessible by integration" },
  });
  expect(await reader.get("/contents/README.md")).toMatchObject({ status: 403 });
  expect(await reader.get("/deployments")).toMatchObject({ status: 200, body: [] });
  expect(await asJob(github, job, { deployments: "write" }).post("/deployments", body)).toMatchObject({
    status: 201,
    body: { creator: { login: "github-actions[bot]" }, sha: repository.git("rev-parse", "main"), task: "deploy" },
  });
});

test("a wrong token is 401, and nobody sees a private repository", async () => {
  await using world = await begin({ visibility: "private", plan: "team" });
  expect((await new Client(world.github, "nonsense").get("")).status).toBe(401);
  expect((await new Client(world.github).get("")).status).toBe(404);
  expect((await asUser(world.github, "octocat").get("")).status).toBe(200);
});

test("what is not modelled is refused by name and remembered", async () => {
  await using world = await begin();
  const client = asUser(world.github, "hubot");
  expect(await client.get("/stargazers")).toMatchObject({ status: 501 });
  expect(await client.get("/deployments?creator=hubot")).toMatchObject({ status: 501 });
  expect(await client.post("/deployments", { ref: "main", colour: "red" })).toMatchObject({
    status: 501,
    body: { message: "unmodelled body field: colour of POST /repos/{owner}/{repo}/deployments" },
  });
  expect(world.github.unmodelled).toHaveLength(3);
  expect((await client.get(`${world.github.apiUrl}/repos/acme/other`)).status).toBe(404);
});

test("what another repository has is not found in this one", async () => {
  await using one = await begin();
  await using other = await begin({}, { "README.md": "other\n" });
  const sha = one.repository.git("rev-parse", "main");
  const blob = one.repository.git("rev-parse", "main:README.md");
  for (const [path, missing] of [
    [`/commits/${sha}`, 422],
    [`/git/trees/${sha}`, 404],
    [`/git/blobs/${blob}`, 404],
  ] as const) {
    const statuses = [];
    for (const { github } of [one, other]) statuses.push((await asUser(github, "octocat").get(path)).status);
    expect(statuses).toEqual([200, missing]);
  }
});

test("contents come from git, at the ref that is asked for", async () => {
  await using world = await begin();
  const { github, repository } = world;
  const first = repository.git("rev-parse", "main");
  repository.commit("Change", { "README.md": "changed\n", "src/a.py": "1\n" });
  const client = asUser(github, "octocat");
  const read = async (ref: string): Promise<unknown> =>
    (
      await client.request("GET", `/contents/README.md?ref=${ref}`, undefined, {
        accept: "application/vnd.github.raw+json",
      })
    ).body;
  expect(await read("main")).toBe("changed\n");
  expect(await read(first)).toBe("hello\n");
  expect((await client.get(`/contents/src/a.py?ref=${first}`)).status).toBe(404);
  expect(await client.get("/contents/src")).toMatchObject({ body: [{ name: "a.py", type: "file" }] });
});

test("compare says ahead, behind, diverged and identical", async () => {
  await using world = await begin();
  const { github, repository } = world;
  repository.commit("On main", { "a.txt": "a" });
  repository.git("branch", "side", "main~1");
  repository.commit("On side", { "b.txt": "b" }, "side");
  const client = asUser(github, "octocat");
  const status = async (basehead: string): Promise<unknown> => (await client.get(`/compare/${basehead}`)).body;
  expect(await status("main~0...main")).toMatchObject({ message: "Not Found" });
  expect(await status("main...main")).toMatchObject({ status: "identical", ahead_by: 0 });
  expect(await status("main...side")).toMatchObject({ status: "diverged", ahead_by: 1, behind_by: 1 });
  const first = repository.git("rev-parse", "main~1");
  expect(await status(`${first}...main`)).toMatchObject({ status: "ahead", files: [{ filename: "a.txt" }] });
  expect(await status(`main...${first}`)).toMatchObject({ status: "behind", behind_by: 1 });
});

test("pages follow the Link header", async () => {
  await using world = await begin();
  for (let index = 0; index < 5; index += 1) world.repository.commit(`Commit ${index}`, {});
  const client = asUser(world.github, "octocat");
  const first = await client.get("/commits?per_page=4");
  expect(first.body).toHaveLength(4);
  const next = /<([^>]+)>; rel="next"/.exec(first.link ?? "")?.[1] ?? "";
  const second = await client.get(next);
  expect(second.body).toHaveLength(2);
  expect(second.link).not.toContain('rel="next"');
});

test("a pull request knows its commits, its reviews, and what it was merged as", async () => {
  await using world = await begin();
  const { github, repository } = world;
  const head = repository.commit("Feature", { "f.txt": "f" }, "feature");
  const number = await github.openPullRequest({ head: "feature", user: "octocat" });
  expect(repository.git("rev-parse", "refs/pull/1/merge^2")).toBe(head);
  await github.review(number, "hubot");
  const sha = await github.mergePullRequest(number, "octocat");
  expect(repository.git("rev-parse", "main")).toBe(sha);
  const client = asUser(github, "octocat");
  expect(await client.get(`/commits/${sha}/pulls`)).toMatchObject({
    body: [{ number: 1, merge_commit_sha: sha, user: { login: "octocat" } }],
  });
  expect((await client.get(`/commits/${head}/pulls`)).body).toHaveLength(1);
  expect(await client.get("/pulls/1/reviews")).toMatchObject({
    body: [{ state: "APPROVED", user: { login: "hubot" }, commit_id: head }],
  });
  expect(await client.get("/pulls/1/files")).toMatchObject({ body: [{ filename: "f.txt", status: "added" }] });
});

test("a push after an approval dismisses it", async () => {
  await using world = await begin();
  const { github, repository } = world;
  repository.commit("Feature", { "f.txt": "f" }, "feature");
  const number = await github.openPullRequest({ head: "feature", user: "octocat" });
  await github.review(number, "hubot");
  repository.commit("More", { "g.txt": "g" }, "feature");
  await github.mergePullRequest(number, "hubot");
  expect(await asUser(github, "octocat").get("/pulls/1/reviews")).toMatchObject({ body: [{ state: "DISMISSED" }] });
});

test("faults come when they are due", async () => {
  await using world = await begin({
    faults: [
      { path: "/repos/acme/ml-pipelines/deployments", nth: 2, effect: 503, retry_after: 1 },
      { method: "POST", path: "/repos/acme/ml-pipelines/deployments", effect: "lost-answer" },
    ],
  });
  const client = asUser(world.github, "octocat");
  expect((await client.get("/deployments")).status).toBe(200);
  expect((await client.get("/deployments")).status).toBe(503);
  expect((await client.get("/deployments")).status).toBe(200);
  await expect(client.post("/deployments", { ref: "main", required_contexts: [] })).rejects.toThrow("fetch failed");
  expect((await client.get("/deployments")).body).toHaveLength(1);
});
