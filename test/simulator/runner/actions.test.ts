import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { afterAll, expect, test } from "vitest";
import { Clones } from "../../../simulator/github/clones.ts";
import { git, newFolder, removeFolders } from "../../repository.ts";
import { asUser, Repository } from "../github/harness.ts";
import { jobNamed, logOf, MAIN, steps, workflow } from "./harness.ts";

afterAll(removeFolders);

const ACTION = `name: example
description: for tests
inputs:
  who: { description: whom to greet, default: "\${{ github.actor }}" }
  two words: { description: a name with a blank }
  github-token: { description: a token, default: "\${{ github.token }}" }
runs: { using: node24, pre: pre.js, main: main.js, post: post.js }
`;
const MAIN_JS = `const fs = require("node:fs");
console.log("hello", process.env.INPUT_WHO, process.env.INPUT_TWO_WORDS, process.argv[0] === process.execPath);
console.log("pre said", process.env.STATE_from_pre, "action", process.env.GITHUB_ACTION_REF);
fs.appendFileSync(process.env.GITHUB_OUTPUT, "greeted=" + process.env.INPUT_WHO + "\\n");
fs.appendFileSync(process.env.GITHUB_STATE, "name=" + process.env.INPUT_WHO + "\\n");
`;
const files = (folder: string): Record<string, string> => ({
  [`${folder}/action.yml`]: ACTION,
  [`${folder}/main.js`]: MAIN_JS,
  [`${folder}/pre.js`]: 'require("node:fs").appendFileSync(process.env.GITHUB_STATE, "from_pre=early\\n");',
  [`${folder}/post.js`]: 'console.log("goodbye", process.env.STATE_name);',
});

test("a JavaScript action has pre, main and post, its inputs and its state", async () => {
  const text = steps(`- uses: $/action-a
  id: a
  with: { two words: "x y" }
- name: Second
  uses: $/action-a
  with: { who: "second", colour: red }
- run: echo "said \${{ steps.a.outputs.greeted }}"`);
  await using world = await workflow(text, { files: files("action-a") });
  const run = await world.push();
  expect(run.conclusion).toBe("success");
  expect(jobNamed(run, "job").steps.map((step) => step.name)).toEqual([
    "Pre $/action-a",
    "Pre $/action-a",
    "Run $/action-a",
    "Second",
    'Run echo "said octocat"',
    "Post Second",
    "Post Run $/action-a",
  ]);
  const log = logOf(run);
  expect(log).toContain("hello octocat x y true");
  expect(log).toContain(`pre said early action ${world.repository.git("rev-parse", "main")}`);
  expect(log).toContain("said octocat");
  expect(log.indexOf("goodbye second")).toBeLessThan(log.indexOf("goodbye octocat"));
  expect(jobNamed(run, "job").annotations[0]?.message).toContain("Unexpected input(s) 'colour'");
});

test("$/ in a called workflow is the called repository's action, ./ is what is checked out", async () => {
  await using suite = await workflow(
    `on: workflow_call
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: $/action-a
        with: { who: suite }
      - uses: ./action-a
        with: { who: consumer }
`,
    { files: files("action-a") },
  );
  const sha = suite.repository.git("rev-parse", "main");
  const own = { ...files("action-a"), "action-a/main.js": 'console.log("own", process.env.INPUT_WHO);' };
  const text = `on: push\njobs: { call: { uses: "four-tier/four-tier/${MAIN}@${sha}" } }\n`;
  await using world = await workflow(text, {
    files: own,
    runner: { repositories: { "four-tier/four-tier": { dir: suite.repository.dir } } },
  });
  const log = logOf(await world.push());
  expect(log).toContain("hello suite");
  expect(log).toContain("own consumer");
});

test("an action that is not there fails the job before its first step", async () => {
  await using world = await workflow(steps("- run: echo first\n- uses: $/nowhere"));
  const run = await world.push();
  expect(jobNamed(run, "job").steps.map((step) => [step.name, step.conclusion])).toEqual([["Set up job", "failure"]]);
});

test("tokens name the job: environment, caller, called file", async () => {
  const text = steps(
    `- run: |
    node -e 'fetch(process.env.ACTIONS_ID_TOKEN_REQUEST_URL + "&audience=databricks", { headers: { authorization: "Bearer " + process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN } }).then((r) => r.json()).then((j) => console.log("TOKEN", j.value.split("").join(" ")))'`,
    "environment: dev\npermissions: { id-token: write }",
  );
  const payload = async (immutable_subjects: boolean): Promise<unknown> => {
    await using world = await workflow(text, { scenario: { immutable_subjects } });
    const token = /^TOKEN (.*)/m.exec(logOf(await world.push()))?.[1]?.replaceAll(" ", "") ?? "";
    const keys = createLocalJWKSet((await (await fetch(world.github.jwksUrl)).json()) as JSONWebKeySet);
    const verified = await jwtVerify(token, keys, { issuer: world.github.oidcIssuer, audience: "databricks" });
    expect(world.github.oidcIssuer).toBe("https://token.actions.githubusercontent.com");
    return verified.payload;
  };
  expect(await payload(false)).toMatchObject({
    sub: "repo:acme/ml-pipelines:environment:dev",
    environment: "dev",
    ref: "refs/heads/main",
    event_name: "push",
    repository: "acme/ml-pipelines",
    job_workflow_ref: `acme/ml-pipelines/${MAIN}@refs/heads/main`,
    run_attempt: "1",
  });
  expect(await payload(true)).toMatchObject({ sub: "repo:acme@301/ml-pipelines@4001:environment:dev" });
});

test("a job without id-token: write has no way to ask", async () => {
  await using world = await workflow(steps('- run: echo "[$ACTIONS_ID_TOKEN_REQUEST_URL]"'));
  expect(logOf(await world.push())).toContain("\n[]");
});

test("checkout is a real clone: one commit by default, all of it when asked", async () => {
  const text = steps(`- uses: actions/checkout@v5
- run: echo "shallow $(git rev-list --count HEAD) $(git symbolic-ref --short HEAD) $(cat README.md) $(git config --get-regexp extraheader | wc -l)"
- uses: actions/checkout@v5
  with: { fetch-depth: 0, path: whole, persist-credentials: false }
- run: echo "whole $(git rev-list --count HEAD) $(git branch -r | wc -l) $(git config --get-regexp extraheader | wc -l)"
  working-directory: whole
- uses: actions/checkout@v5
  with: { ref: "\${{ github.event.before }}", path: old }
- run: echo "old $(git -C old rev-parse HEAD) \${{ github.event.before }}"`);
  await using world = await workflow(text);
  world.repository.commit("Second", { "a.txt": "a" });
  world.repository.git("branch", "other");
  const log = logOf(await world.push());
  expect(log).toContain("shallow 1 main hello 1");
  expect(log).toContain("whole 2 2 0");
  const first = world.repository.git("rev-parse", "main~1");
  expect(log).toContain(`old ${first} ${first}`);
});

test("a clone has what the branches have by then, and nothing that they had before", async () => {
  using repository = new Repository({ "README.md": "hello\n" });
  const clones = new Clones(repository.dir);
  const first = repository.git("rev-parse", "main");
  const clone = async (): Promise<string> => {
    const folder = newFolder();
    await clones.into(folder, { sha: first, depth: 0 });
    return folder;
  };
  const mainOf = (folder: string): string => git(folder, "rev-parse", "origin/main");
  expect([mainOf(await clone()), mainOf(await clone())]).toEqual([first, first]);
  const second = repository.commit("Second", { "a.txt": "a" });
  expect(mainOf(await clone())).toBe(second);
  repository.git("update-ref", "refs/heads/main", first);
  const back = await clone();
  expect(mainOf(back)).toBe(first);
  expect(() => git(back, "cat-file", "-e", second)).toThrow("cat-file");
  repository.git("tag", "v1", second);
  expect(git(await clone(), "rev-parse", "v1")).toBe(second);
  await clones.close();
});

test("artifacts go from job to job and out through the API, byte for byte", async () => {
  const text = `on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: mkdir -p dist/sub && printf wheel > dist/a.whl && printf two > dist/sub/b.txt
      - id: up
        uses: actions/upload-artifact@v6
        with: { name: wheels, path: dist, if-no-files-found: error }
      - run: echo "digest \${{ steps.up.outputs.artifact-digest }}"
  use:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v7
        with: { name: wheels, path: got }
      - run: echo "got $(cat got/a.whl) $(cat got/sub/b.txt)"
      - uses: actions/download-artifact@v7
        with: { name: other }
`;
  await using world = await workflow(text);
  const run = await world.push();
  expect(logOf(run)).toContain("got wheel two");
  expect(run.conclusion).toBe("failure");
  expect(jobNamed(run, "use").annotations[0]?.message).toContain("Artifact not found for name: other");
  const client = asUser(world.github, "octocat");
  const { body } = await client.get(`/actions/runs/${run.id}/artifacts`);
  const digest = /digest ([0-9a-f]{64})/.exec(logOf(run))?.[1];
  expect(body).toMatchObject({ total_count: 1, artifacts: [{ name: "wheels", digest: `sha256:${digest}` }] });
  const [artifact] = (body as { artifacts: { archive_download_url: string }[] }).artifacts;
  const zip = await client.get(artifact?.archive_download_url ?? "");
  expect(zip.status).toBe(200);
});

test("between steps there is room to tamper", async () => {
  const text = steps("- run: echo good > file\n- name: read\n  run: cat file");
  await using world = await workflow(text, {
    runner: {
      between: async (_job, step, workspace) => {
        const { writeFile } = await import("node:fs/promises");
        if (step === "read") await writeFile(`${workspace}/file`, "bad\n");
      },
    },
  });
  expect(logOf(await world.push())).toContain("bad");
});

test("another run's artifacts need a token that may read actions; hidden files stay behind", async () => {
  const upload =
    steps(`- run: mkdir -p "$RUNNER_TEMP/d" && echo one > "$RUNNER_TEMP/d/a" && echo two > "$RUNNER_TEMP/d/.b"
- uses: actions/upload-artifact@v6
  with: { name: d, path: "\${{ runner.temp }}/d" }`);
  await using world = await workflow(upload);
  const first = await world.push();
  const download = (token: string, permission: string): string =>
    steps(
      `- uses: actions/download-artifact@v7
  with: { name: d, path: out, run-id: ${first.id}, github-token: "${token}" }
- run: ls -A out`,
      `permissions: { ${permission}: read }`,
    );
  const second = async (token: string, permission: string): Promise<string> => {
    world.repository.commit("Download", { [MAIN]: download(token, permission) });
    return logOf(await world.push());
  };
  expect(await second("${{ github.token }}", "actions")).toMatch(/\na$/);
  expect(await second("${{ github.token }}", "contents")).toContain("Resource not accessible by integration");
  expect(await second("", "actions")).toContain("Resource not accessible by integration");
});
