/** Routes that no module of ours asks: callers' own steps, people and gh do. Each is asked for what is there. */
import { expect, it } from "vitest";
import { writeZip } from "../../../simulator/runner/zip.ts";
import { asUser, begin, fakeRun } from "./harness.ts";

it("each answers with what is there", async () => {
  await using world = await begin({ environments: { prod: { reviewers: ["hubot"] } } });
  const { github, repository } = world;
  const head = repository.commit("Feature", { "f.txt": "f" }, "feature");
  repository.git("checkout", "-q", "main");
  await github.openPullRequest({ head: "feature", user: "octocat" });
  const main = repository.git("rev-parse", "main");
  const blob = repository.git("rev-parse", "main:README.md");
  const job = fakeRun(github, repository);
  const zip = writeZip([{ path: "a.txt", bytes: Buffer.from("a") }]);
  github.world.artifacts.push({ id: 5, run: job.run, name: "wheels", zip, digest: "", createdAt: "" });
  const client = asUser(github, "hubot");
  const { id } = (await client.post("/deployments", { ref: "main", required_contexts: [] })).body as { id: number };
  const run = `/actions/runs/${job.run.id}`;

  const answers: readonly (readonly [path: string, answer: unknown])[] = [
    ["/git/ref/heads/main", { ref: "refs/heads/main", object: { sha: main } }],
    ["/git/trees/main?recursive=1", { tree: [{ path: "README.md", type: "blob", sha: blob }] }],
    [`/git/blobs/${blob}`, { encoding: "base64", content: Buffer.from("hello\n").toString("base64") }],
    [`/git/commits/${main}`, { sha: main, parents: [] }],
    ["/branches?protected=true", [{ name: "main", protected: true }]],
    ["/pulls?head=acme:feature", [{ number: 1, head: { sha: head } }]],
    ["/pulls?state=closed", []],
    ["/environments", { total_count: 2, environments: [{ name: "prod" }, { name: "production" }] }],
    ["/environments/prod/deployment_protection_rules", { total_count: 0, custom_deployment_protection_rules: [] }],
    [`/actions/runs?event=${job.run.event}`, { total_count: 1, workflow_runs: [{ id: job.run.id }] }],
    ["/actions/runs?actor=nobody", { total_count: 0 }],
    [`${run}/attempts/1`, { id: job.run.id, run_attempt: 1 }],
    [`/actions/jobs/${job.id}`, { id: job.id, run_id: job.run.id }],
    ["/actions/artifacts?name=wheels", { total_count: 1, artifacts: [{ id: 5, name: "wheels" }] }],
    ["/actions/artifacts/5", { id: 5, name: "wheels" }],
    ["/actions/oidc/customization/sub", { use_default: true, use_immutable_subject: false }],
    [`${github.apiUrl}/_oidc/.well-known/openid-configuration`, { issuer: github.oidcIssuer }],
  ];
  for (const [path, answer] of answers) {
    const { status, body } = await client.get(path);
    expect({ path, status, body }).toMatchObject({ path, status: 200, body: answer });
  }

  const ref = { ref: "refs/heads/made", sha: main };
  expect((await client.post("/git/refs", ref)).status).toBe(201);
  expect(repository.git("rev-parse", "made")).toBe(main);
  expect((await client.post("/git/refs", ref)).status).toBe(422);

  // the only one of its environment; then it is gone
  expect((await client.request("DELETE", `/deployments/${id}`)).status).toBe(204);
  expect((await client.get(`/deployments/${id}`)).status).toBe(404);
  expect(github.unmodelled).toEqual([]);
});
