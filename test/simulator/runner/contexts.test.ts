/** Every property of the contexts that the service fixes, and the filters of pull requests. */
import { expect, it, onTestFinished } from "vitest";
import { EXPRESSIONS } from "../../../simulator/runner/modelled.ts";
import { logOf, MAIN, steps, workflow } from "./harness.ts";

const properties = (context: string): string[] =>
  Object.keys(EXPRESSIONS).flatMap((name) => new RegExp(`^context: ${context}\\.(\\w[\\w-]*)$`).exec(name)?.[1] ?? []);

it("the contexts of a job say what its variables say, and where its file is from", async () => {
  // of the others one is an object, one a secret, one has no variable
  const exported = properties("github").filter((name) => !["event", "token", "repositoryUrl"].includes(name));
  const lines = [
    ...exported.map((name) => `echo "${name} [\${{ github.${name} }}] [$GITHUB_${name.toUpperCase()}]"`),
    ...properties("runner").map((name) => `echo "${name} [\${{ runner.${name} }}] [$RUNNER_${name.toUpperCase()}]"`),
    ...properties("job").map((name) => `echo "of-job ${name} \${{ job.${name} }}"`),
    ...properties("strategy").map((name) => `echo "strategy ${name} \${{ strategy.${name} }}"`),
    "echo \"url ${{ github.repositoryUrl }} ${{ endsWith(github.repositoryUrl, '.git') }}\"",
  ];
  const run = lines.map((line) => `    ${line}`).join("\n");
  const world = await workflow(
    steps(`- run: |\n${run}`, "strategy: { fail-fast: false, max-parallel: 2, matrix: { of: [one] } }"),
  );
  onTestFinished(() => world[Symbol.asyncDispose]());
  const ended = await world.push();
  const log = logOf(ended);
  const pairs = [...log.matchAll(/^(\w+) \[(.*)\] \[(.*)\]$/gm)];
  expect(pairs.map(([, name]) => name)).toEqual([...exported, ...properties("runner")]);
  expect(pairs.filter(([, , context, variable]) => context !== variable)).toEqual([]);
  const sha = world.repository.git("rev-parse", "main");
  const file = ".github/workflows/main.yml";
  const said = (what: string): string[] =>
    [...log.matchAll(new RegExp(`^${what} (.*)$`, "gm"))].map(([, words = ""]) => words).toSorted();
  expect(said("of-job").filter((line) => !/^check_run_id \d+$/.test(line))).toEqual([
    "status success",
    `workflow_file_path ${file}`,
    `workflow_ref acme/ml-pipelines/${file}@refs/heads/main`,
    "workflow_repository acme/ml-pipelines",
    `workflow_sha ${sha}`,
  ]);
  expect(said("strategy")).toEqual(["fail-fast false", "job-index 0", "job-total 1", "max-parallel 2"]);
  expect(said("url")).toEqual(["git://github.com/acme/ml-pipelines.git true"]);
  expect(world.github.unmodelled).toEqual([]);
});

it.each([
  ["branches: [main]", "success"],
  ["branches: [release]", "branches do not include main"],
  ["branches-ignore: [main]", "branches do not include main"],
  ["branches-ignore: [release]", "success"],
  ["paths: ['src/**']", "success"],
  ["paths: ['docs/**']", "paths are not touched"],
  ["paths-ignore: ['src/**']", "paths are not touched"],
  ["paths-ignore: ['docs/**']", "success"],
])("a pull request of src/a.py to main, where %s: %s", async (filter, says) => {
  const world = await workflow(steps("- run: echo").replace("on: push", `on: { pull_request: { ${filter} } }`));
  onTestFinished(() => world[Symbol.asyncDispose]());
  world.repository.commit("Change", { "src/a.py": "1\n" }, "change");
  const pullRequest = await world.github.openPullRequest({ head: "change", user: "octocat", title: "Change" });
  const run = world.runner.dispatch({ event: "pull_request", workflow: MAIN, actor: "octocat", pullRequest });
  expect(
    await run.then(
      ({ conclusion }) => conclusion,
      (error: Error) => error.message,
    ),
  ).toContain(says);
});
