import { expect, test } from "vitest";
import { asJob } from "../github/harness.ts";
import { logOf, MAIN, workflow } from "./harness.ts";

const CALLED = ".github/workflows/called.yml";

/** A caller and what it calls: each test breaks one thing of this and says what comes of it. */
const caller = (job = "", rest = ""): string => `name: promote
on: push
permissions: { contents: read }
jobs:
  build:
    runs-on: ubuntu-latest
    outputs: { digest: "\${{ steps.d.outputs.digest }}" }
    steps: [{ id: d, run: 'echo "digest=abc" >> "$GITHUB_OUTPUT"' }]
  deploy:
    needs: build
    uses: ./${CALLED}
${job.replace(/^(?=.)/gm, "    ")}
  after:
    needs: [deploy]
    runs-on: ubuntu-latest
    steps: [{ run: 'echo "after [\${{ needs.deploy.outputs.seen }}] \${{ needs.deploy.result }}"' }]
${rest}`;

const called = (job = "", call = ""): string => `on:
  workflow_call:
    inputs:
      digest: { type: string, required: true }
      live: { type: boolean, default: false }
      count: { type: number, default: 2 }
    outputs: { seen: { value: "\${{ jobs.inner.outputs.seen }}" } }
${call.replace(/^(?=.)/gm, "    ")}
jobs:
  inner:
    runs-on: ubuntu-latest
${job.replace(/^(?=.)/gm, "    ")}
    outputs: { seen: "\${{ steps.s.outputs.seen }}" }
    steps:
      - id: s
        env: { SECRET: "\${{ secrets.client_secret }}", ENV_SECRET: "\${{ secrets.ENV_SECRET }}" }
        run: |
          echo "got \${{ inputs.digest }} \${{ inputs.live }} \${{ inputs.count }} \${{ inputs.live && 'yes' || 'no' }}"
          echo "lengths \${#SECRET} \${#ENV_SECRET}"
          echo "seen=\${{ inputs.digest }}!" >> "$GITHUB_OUTPUT"
`;

const WITH = 'with: { digest: "${{ needs.build.outputs.digest }}" }';

test("outputs go up and inputs go down, typed", async () => {
  await using world = await workflow(caller(WITH), { files: { [CALLED]: called() } });
  const run = await world.push();
  expect(run.conclusion).toBe("success");
  expect(run.jobs.map((job) => job.name)).toEqual(["build", "deploy / inner", "after"]);
  expect(logOf(run)).toContain("got abc false 2 no");
  expect(logOf(run)).toContain("after [abc!] success");
});

test("a wrong output name is empty, as on GitHub, and not an error", async () => {
  const broken = caller(WITH.replace("outputs.digest", "outputs.digset"));
  await using world = await workflow(broken, { files: { [CALLED]: called() } });
  const run = await world.push();
  expect(run.conclusion).toBe("success");
  expect(logOf(run)).toContain("after [!] success");
});

test("without the needs there is nothing to need", async () => {
  const broken = caller(WITH).replace("    needs: build\n", "");
  await using world = await workflow(broken, { files: { [CALLED]: called() } });
  expect(logOf(await world.push())).toContain("after [!] success");
  await using wrong = await workflow(caller(WITH).replace("needs: build", "needs: biuld"), {
    files: { [CALLED]: called() },
  });
  expect(await wrong.push()).toMatchObject({
    conclusion: "startup_failure",
    errors: [expect.stringContaining("depends on unknown job 'biuld'") as string, expect.anything() as string],
  });
});

test("a failed need skips what follows it, whatever lies between", async () => {
  await using world = await workflow(
    caller(WITH, "  last:\n    needs: [after]\n    runs-on: ubuntu-latest\n    steps: [{ run: echo last }]\n"),
    { files: { [CALLED]: called().replace("- id: s", "- run: exit 1\n      - id: s") } },
  );
  const run = await world.push();
  expect(run.conclusion).toBe("failure");
  expect(run.jobs.map((job) => [job.name, job.conclusion])).toEqual([
    ["build", "success"],
    ["deploy / inner", "failure"],
    ["after", "skipped"],
    ["last", "skipped"],
  ]);
});

test("asking for more than the caller grants fails the run at its start", async () => {
  const files = { [CALLED]: called("permissions: { contents: read, deployments: write }") };
  await using world = await workflow(caller(WITH), { files });
  const run = await world.push();
  expect(run).toMatchObject({ conclusion: "startup_failure", jobs: [] });
  expect(run.errors).toEqual([
    `The workflow is not valid. ${MAIN} (Line: 9, Col: 3): Error calling workflow './${CALLED}'. The nested job 'inner' is requesting 'deployments: write', but is only allowed 'deployments: none'.`,
  ]);
  const granted = caller(`${WITH}\npermissions: { contents: read, deployments: write }`);
  await using right = await workflow(granted, { files });
  expect((await right.push()).conclusion).toBe("success");
});

test("missing, unknown and wrongly typed inputs and secrets are refused", async () => {
  const errors = async (job: string, call = ""): Promise<string> => {
    await using world = await workflow(caller(job), { files: { [CALLED]: called("", call) } });
    const run = await world.push();
    return [...run.errors, ...run.jobs.flatMap((one) => one.annotations.map((note) => note.message))].join("\n");
  };
  expect(await errors("")).toContain("Input digest is required, but not provided while calling.");
  expect(await errors("with: { digest: a, colour: red }")).toContain("Invalid input, colour is not defined");
  expect(await errors("with: { digest: a }\nsecrets: { other: x }")).toContain("Invalid secret, other is not defined");
  expect(await errors("with: { digest: a }", "secrets: { client_secret: { required: true } }")).toContain(
    "Secret client_secret is required, but not provided while calling.",
  );
  expect(await errors("with: { digest: a, live: '${{ github.ref }}' }")).toContain(
    "Unexpected value 'refs/heads/main'",
  );
});

test("a boolean that arrives as text is still a boolean", async () => {
  const job = "with: { digest: a, live: \"${{ 'false' }}\" }";
  await using world = await workflow(caller(job), { files: { [CALLED]: called() } });
  expect(logOf(await world.push())).toContain("got a false 2 no");
});

test("secrets reach a called workflow only as the caller passes them", async () => {
  const scenario = {
    secrets: { DEV_SECRET: "twelve-chars" },
    environments: { dev: { secrets: { ENV_SECRET: "nine-char" } } },
  };
  const lengths = async (secrets: string, scenario_: object = {}): Promise<string> => {
    const call = "secrets: { client_secret: { required: false } }";
    await using world = await workflow(caller(`${WITH}\n${secrets}`), {
      files: { [CALLED]: called("environment: dev", call) },
      scenario: { ...scenario, ...scenario_ },
    });
    return /lengths (\d+ \d+)/.exec(logOf(await world.push()))?.[1] ?? "";
  };
  expect(await lengths("")).toBe("0 0");
  expect(await lengths('secrets: { client_secret: "${{ secrets.DEV_SECRET }}" }')).toBe("12 0");
  expect(await lengths("secrets: inherit")).toBe("0 9");
  // The other way that the facts leave open.
  expect(await lengths("", { assumptions: { environment_secrets_need_inherit: false } })).toBe("0 9");
});

test("a called workflow of another repository needs its commit, and the run remembers it", async () => {
  await using suite = await workflow(called());
  const sha = suite.repository.git("rev-parse", "main");
  const at = (ref: string): string => caller(WITH).replace(`./${CALLED}`, `four-tier/four-tier/${MAIN}@${ref}`);
  const repositories = { "four-tier/four-tier": { dir: suite.repository.dir } };
  await using world = await workflow(at(sha), { runner: { repositories } });
  const run = await world.push();
  expect(run.conclusion).toBe("success");
  const job = world.github.world.runs[0]?.jobs[0];
  if (job === undefined) throw new Error("no job");
  const reply = await asJob(world.github, job, { actions: "read" }).get(`/actions/runs/${run.id}`);
  expect(reply.body).toMatchObject({ event: "push", path: MAIN, head_branch: "main", conclusion: "success" });
  expect(reply.body).toHaveProperty("referenced_workflows", [{ path: `four-tier/four-tier/${MAIN}@${sha}`, sha }]);
  await using short = await workflow(at(sha.slice(0, 10)), { runner: { repositories } });
  expect((await short.push()).errors[0]).toContain("workflow was not found");
  await using unknown = await workflow(at(sha));
  await expect(unknown.push()).rejects.toThrow("the repository four-tier/four-tier");
});

test("a working tree stands for one commit, and for no other", async () => {
  await using suite = await workflow(called());
  const repositories = { "four-tier/four-tier": { dir: suite.repository.dir, commit: "a".repeat(40) } };
  const at = (ref: string): string => caller(WITH).replace(`./${CALLED}`, `four-tier/four-tier/${MAIN}@${ref}`);
  await using world = await workflow(at("a".repeat(40)), { runner: { repositories } });
  expect((await world.push()).conclusion).toBe("success");
  await using other = await workflow(at("b".repeat(40)), { runner: { repositories } });
  expect((await other.push()).conclusion).toBe("startup_failure");
});

test("a branch's run has the branch's workflow file", async () => {
  await using world = await workflow(caller(WITH), { files: { [CALLED]: called() } });
  world.repository.commit("Edit", { [CALLED]: called().replace("got", "forged") }, "branch");
  const run = await world.runner.dispatch({ event: "push", workflow: MAIN, ref: "branch", actor: "octocat" });
  expect(logOf(run)).toContain("forged abc");
  expect(logOf(await world.push())).toContain("got abc");
});

test("a file that is not there, or cannot be called, fails the run", async () => {
  await using missing = await workflow(caller(WITH));
  expect((await missing.push()).conclusion).toBe("startup_failure");
  await using wrong = await workflow(caller(WITH), {
    files: {
      [CALLED]: called()
        .replace("workflow_call", "workflow_dispatch")
        .replace(/    outputs: .*\n/, ""),
    },
  });
  expect((await wrong.push()).errors.join()).toContain("missing a `on.workflow_call` trigger");
});
