/** The closed world of the runner: keys, functions, contexts, events, actions; refused by name, and remembered. */
import { describe, expect, it, onTestFinished } from "vitest";
import { MAIN, steps, type World, workflow } from "./harness.ts";

type Options = Parameters<typeof workflow>[1];

async function world(main: string, options: Options = {}): Promise<World> {
  const started = await workflow(main, options);
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

const ONE = steps("- run: echo x");
const push = (filter: string): string => ONE.replace("on: push", `on: { push: { ${filter} } }`);
const matrix = (axes: string, more = ""): string => steps("- run: x", `strategy: { ${more}matrix: ${axes} }`);
const CALLED = "on: workflow_call\njobs:\n  job:\n    runs-on: x\n    steps:\n    - run: x\n";
const call = (extra: string): string => `on: push\njobs:\n  call:\n    uses: ./.github/workflows/called.yml\n${extra}`;

describe("a key that GitHub does not have is refused by it, at every level", () => {
  it.each([
    ["a workflow", `${ONE}colour: red\n`],
    ["on", ONE.replace("on: push", "on: { push: {}, colour: {} }")],
    ["an event", ONE.replace("on: push", "on: { push: { colour: red } }")],
    ["an input", ONE.replace("on: push", "on: { push: {}, workflow_dispatch: { inputs: { a: { colour: red } } } }")],
    ["permissions", `permissions: { colour: read }\n${ONE}`],
    ["concurrency", `concurrency: { group: a, colour: red }\n${ONE}`],
    ["defaults", `defaults: { run: { colour: red } }\n${ONE}`],
    ["a job", steps("- run: x", "colour: red")],
    ["a job's environment", steps("- run: x", "environment: { name: dev, colour: red }")],
    ["a strategy", steps("- run: x", "strategy: { colour: red }")],
    ["a step", steps("- run: x\n  colour: red")],
    ["a calling job", call("    colour: red\n")],
  ])("%s", async (_where, text) => {
    const files = { ".github/workflows/called.yml": CALLED };
    const run = await (await world(text, { files })).push();
    expect(run.conclusion).toBe("startup_failure");
    expect(run.errors.join("\n")).toContain("colour");
  });
});

describe("what GitHub has and the runner lacks is refused by its name", () => {
  it.each([
    ["container", steps("- run: x", "container: alpine"), "jobs.job.container"],
    ["services", steps("- run: x", "services: { db: { image: x } }"), "jobs.job.services"],
    ["snapshot", steps("- run: x", "snapshot: x"), "jobs.job.snapshot"],
    ["cancel-timeout-minutes", steps("- run: x", "cancel-timeout-minutes: 3"), "jobs.job.cancel-timeout-minutes"],
    ["continue-on-error of a job", steps("- run: x", "continue-on-error: true"), "jobs.job.continue-on-error"],
    ["runs-on with a group", ONE.replace("runs-on: ubuntu-latest", "runs-on: { group: big }"), "runs-on with a group"],
    ["a permission", `permissions: { copilot-requests: write }\n${ONE}`, "permission copilot-requests"],
    ["a parallel step", steps("- parallel:\n  - run: x"), "background"],
    ["a shell", steps("- run: x\n  shell: pwsh"), "shell pwsh"],
    ["an expression as a key", steps("- run: x\n  env: { '${{ github.job }}': a }"), "expression as a key"],
    ["an action of others", steps("- uses: actions/setup-node@v6"), "action actions/setup-node@v6"],
    ["a container action", steps("- uses: docker://alpine:3"), "action docker://alpine:3"],
    ["an input of a stand-in", steps("- uses: actions/checkout@v6\n  with: { submodules: true }"), "input submodules"],
    ["another repository", steps("- uses: actions/checkout@v6\n  with: { repository: a/b }"), "another repository"],
    ["hashFiles", steps("- run: echo ${{ hashFiles('**') }}"), "expression function hashFiles"],
    ["github.action_path", steps("- run: echo ${{ github.action_path }}"), "context github.action_path"],
    ["github.action", steps("- run: echo ${{ github.action }}"), "context github.action"],
    ["github.secret_source", steps("- run: echo ${{ github.secret_source }}"), "context github.secret_source"],
    ["github['action_status']", steps("- run: echo ${{ github['action_status'] }}"), "context github.action_status"],
    ["a misspelt property", steps("- run: echo ${{ github.colour }}"), "context github.colour"],
    ["job.container", steps("- run: echo ${{ job.container.id }}"), "context job.container"],
    ["runner.workspace", steps("- run: echo ${{ runner.workspace }}"), "context runner.workspace"],
    ["a property of the event", steps("- run: echo ${{ github.event.compare }}"), "context github.event.compare"],
    ["a misspelt one", steps("- run: echo ${{ github.event.head_comit.id }}"), "context github.event.head_comit"],
    ["one below", steps("- run: echo ${{ github.event.repository.colour }}"), "context github.event.repository.colour"],
    ["the whole of github", steps("- run: echo '${{ toJSON(github) }}'"), "the whole of github"],
    ["the whole payload", steps("- run: echo '${{ toJSON(github.event) }}'"), "the whole of github.event"],
    ["all that github has", steps("- run: echo ${{ join(github.*) }}"), "the whole of github"],
    ["the command set-env", steps("- run: echo '::set-env name=A::b'"), "workflow command ::set-env::"],
    ["the command add-path", steps("- run: echo '::add-path::/x'"), "workflow command ::add-path::"],
    ["a misspelt command", steps("- run: echo '::warnign::x'"), "workflow command ::warnign::"],
    ["a matcher of output", steps("- run: echo '::add-matcher::x.json'"), "workflow command ::add-matcher::"],
    ["a misspelt property of one", steps("- run: echo '::error tilte=a::x'"), "workflow command ::error tilte=::"],
    [
      "a misspelt property of a step",
      steps("- { id: a, run: echo }\n- run: x\n  if: steps.a.outcom != ''"),
      "context steps.a.outcom",
    ],
    ["an expression that fails", steps("- run: echo ${{ fromJSON('{') }}"), "the failure of"],
    ["a runner of Windows", ONE.replace("ubuntu-latest", "windows-latest"), "a runner windows-latest"],
    ["a runner of one's own", ONE.replace("ubuntu-latest", "[self-hosted, x]"), "a runner self-hosted"],
    ["a filter with a range", ONE.replace("on: push", "on: { push: { branches: ['ma[a-z]n'] } }"), "pattern ma[a-z]n"],
    ["both halves of a filter", push("paths: ['**'], paths-ignore: [x]"), "a filter beside its own -ignore"],
    ["a filter that only takes away", push("branches: ['!dev']"), "a filter that only takes away"],
    ["an -ignore that takes away", push("branches-ignore: ['!dev']"), "a filter that only takes away"],
    ["a filter with ?", ONE.replace("on: push", "on: { push: { branches: ['mains?'] } }"), "pattern mains?"],
    ["several labels", ONE.replace("ubuntu-latest", "[ubuntu-latest, x64]"), "a runner with 2 labels"],
    ["no label", ONE.replace("ubuntu-latest", "[]"), "a runner with 0 labels"],
    ["another processor", ONE.replace("ubuntu-latest", "ubuntu-24.04-arm"), "a runner ubuntu-24.04-arm"],
    ["concurrency without a group", `concurrency: ''\n${ONE}`, "concurrency without a group"],
    ["no time at all", steps("- run: x", "timeout-minutes: 0"), "timeout-minutes 0"],
    ["no time for a step", steps("- run: x\n  timeout-minutes: 0"), "timeout-minutes 0"],
    ["max-parallel 0", matrix("{ a: [1] }", "max-parallel: 0, "), "max-parallel 0"],
    ["max-parallel -1", matrix("{ a: [1] }", "max-parallel: -1, "), "max-parallel -1"],
    ["a matrix of nothing", matrix("{ a: [1], exclude: [{ a: 1 }] }"), "a matrix without combinations"],
    ["a matrix that includes nothing", matrix("{ include: [] }"), "a matrix without combinations"],
    ["a matrix with an empty vector", matrix("{ a: [] }"), "whose vector a is empty"],
    ["a matrix of 257", matrix(`{ a: [${[...Array(257).keys()].join()}] }`), "more than 256 combinations"],
    ["an exclusion by what is no axis", matrix("{ a: [1], exclude: [{ b: 1 }] }"), "excludes by b"],
    ["a matrix of mappings", matrix("{ a: [{ x: 1 }] }"), "matrix.a is no scalar"],
    ["a folder of a stand-in", steps("- uses: actions/checkout/sub@v6"), "action actions/checkout/sub@v6"],
    ["an old version of one", steps("- uses: actions/upload-artifact@v3"), "action actions/upload-artifact@v3"],
    ["a property in a condition", steps("- run: x\n  if: github.action_status == 'x'"), "context github.action_status"],
    ["a property in run-name", `run-name: \${{ github.action_ref }}\n${ONE}`, "context github.action_ref"],
  ])("%s", async (_what, text, says) => {
    const started = await world(text);
    await expect(started.push()).rejects.toThrow(says);
    expect(started.github.unmodelled).toEqual([expect.stringContaining(says)]);
  });

  it("but what only other events have is empty, as it is there", async () => {
    const started = await world(
      steps('- run: echo "<${{ github.event.pull_request.number }}${{ github.event.inputs.live }}>"'),
    );
    const run = await started.push();
    expect(run.jobs[0]?.steps.map(({ log }) => log).join("\n")).toContain("\n<>");
    expect(started.github.unmodelled).toEqual([]);
  });

  it("an artifact without a path fails as it does there", async () => {
    const run = await (await world(steps("- uses: actions/upload-artifact@v6"))).push();
    expect(run.conclusion).toBe("failure");
    expect(JSON.stringify(run)).toContain("not supplied: path");
  });

  it.each(["release", "workflow_run", "repository_dispatch", "pull_request_target"])("the event %s", async (event) => {
    const started = await world(ONE.replace("on: push", `on: [push, ${event}]`));
    const run = started.runner.dispatch({ event, workflow: MAIN, actor: "octocat" });
    await expect(run).rejects.toThrow(`event ${event}`);
    expect(started.github.unmodelled).toEqual([expect.stringContaining(`event ${event}`)]);
  });

  it.each(["[push, release]", "{ push: {}, release: {} }", "{ push: {}, release: { types: [published] } }"])(
    "an event that it also listens to, though another starts it: %s",
    async (events) => {
      const started = await world(ONE.replace("on: push", `on: ${events}`));
      await expect(started.push()).rejects.toThrow("event release");
      expect(started.github.unmodelled).toEqual([expect.stringContaining("event release")]);
    },
  );

  it.each([
    ["schedule: [{ cron: '0 6 * * *' }, { cron: '0 7 * * *', timezone: Europe/Berlin }]", "on.schedule.timezone"],
    ["merge_group: { types: [checks_requested] }", "on.merge_group.types"],
  ])("what it says of such an event: %s", async (event, says) => {
    const started = await world(ONE.replace("on: push", `on: { push: {}, ${event} }`));
    await expect(started.push()).rejects.toThrow(says);
    expect(started.github.unmodelled).toEqual([expect.stringContaining(says)]);
  });

  it("but all that is modelled may stand beside each other", async () => {
    const called = "workflow_call: { inputs: { a: { type: string } }, outputs: { b: { value: c } } }";
    const others = `pull_request: { types: [opened], branches: [main] }, schedule: [{ cron: '0 6 * * *' }], merge_group: {}, workflow_dispatch: { inputs: { a: {} } }, ${called}`;
    const run = await (await world(ONE.replace("on: push", `on: { push: { branches: [main] }, ${others} }`))).push();
    expect([run.conclusion, run.errors]).toEqual(["success", []]);
  });

  it("a called workflow that listens to one", async () => {
    const files = {
      ".github/workflows/called.yml": CALLED.replace("on: workflow_call", "on: [workflow_call, release]"),
    };
    await expect((await world(call(""), { files })).push()).rejects.toThrow("event release");
  });

  it("a workflow of a repository that was not given", async () => {
    const text = call("").replace("./.github/workflows/called.yml", `a/b/.github/workflows/c.yml@${"a".repeat(40)}`);
    const started = await world(text);
    await expect(started.push()).rejects.toThrow("the repository a/b");
    expect(started.github.unmodelled).toHaveLength(1);
  });
});

describe("an action's metadata", () => {
  const action = (text: string) => ({
    files: { "act/action.yml": text, "act/main.js": "" },
  });
  const USES = steps("- uses: $/act");
  const good = "name: a\ndescription: b\nruns: { using: node24, main: main.js }\n";

  it("is run when it is understood", async () => {
    expect((await (await world(USES, action(good))).push()).conclusion).toBe("success");
  });

  it.each([
    ["a key", `${good}colour: red\n`],
    ["a key of runs", good.replace("main.js }", "main.js, colour: red }")],
    ["a key of an output", `${good}outputs: { a: { colour: red } }\n`],
    ["a key of branding", `${good}branding: { colour: red }\n`],
  ])("with %s that GitHub does not have fails the job", async (_what, text) => {
    const run = await (await world(USES, action(text))).push();
    expect(run.conclusion).toBe("failure");
    expect(run.jobs.flatMap((job) => job.steps.map(({ log }) => log)).join("\n")).toContain("colour");
  });

  it.each([
    ["node20", good.replace("node24", "node20"), "runs.using: node20"],
    ["colour of an input", `${good}inputs: { a: { colour: red } }\n`, "inputs.a.colour"],
    ["composite", "name: a\ndescription: b\nruns: { using: composite, steps: [] }\n", "composite action"],
    ["docker", "name: a\ndescription: b\nruns: { using: docker, image: Dockerfile }\n", "docker action"],
  ])("that says %s is refused by name", async (_what, text, says) => {
    const started = await world(USES, action(text));
    await expect(started.push()).rejects.toThrow(says);
    expect(started.github.unmodelled).toEqual([expect.stringContaining(says)]);
  });
});

describe("filters of a push", () => {
  it.each([
    ["{ tags: ['v*'] }", "refs/heads/main", "listens to tags only"],
    ["{ branches: [main] }", "refs/tags/v1", "listens to branches only"],
    ["{ tags: ['v*'] }", "refs/tags/x1", "tags do not include x1"],
    ["{ tags: ['v*'] }", "refs/tags/v1", "success"],
    ["{ tags-ignore: ['v*'] }", "refs/tags/x1", "success"],
    ["{ tags-ignore: ['v*'] }", "refs/tags/v1", "tags do not include v1"],
  ])("%s, of %s", async (filter, ref, why) => {
    const started = await world(ONE.replace("on: push", `on: { push: ${filter} }`));
    for (const tag of ["v1", "x1"]) started.repository.git("tag", tag);
    const run = started.runner.dispatch({ event: "push", workflow: MAIN, actor: "octocat", ref });
    const said = await run.then(
      ({ conclusion }) => conclusion,
      (error: Error) => error.message,
    );
    expect(said).toContain(why);
  });
});
