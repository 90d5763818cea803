import { expect, test } from "vitest";
import { jobNamed, logOf, steps, workflow } from "./harness.ts";

test("steps share outputs, environment and path, and nothing of this machine", async () => {
  process.env["HOST_ONLY"] = "leak";
  await using world = await workflow(
    steps(
      `- id: first
  run: |
    echo "answer=42" >> "$GITHUB_OUTPUT"
    echo "COLOUR<<END" >> "$GITHUB_ENV"
    echo "blue" >> "$GITHUB_ENV"
    echo "END" >> "$GITHUB_ENV"
    mkdir -p bin && printf '#!/bin/sh\\necho found me' > bin/tool && chmod +x bin/tool
    echo "$PWD/bin" >> "$GITHUB_PATH"
    echo "## Done" >> "$GITHUB_STEP_SUMMARY"
- run: echo "\${{ steps.first.outputs.answer }} $COLOUR \${{ env.COLOUR }} [$HOST_ONLY]" && tool && echo "home $HOME"`,
      "outputs: { answer: '${{ steps.first.outputs.answer }}' }",
    ),
  );
  const run = await world.push();
  expect(run.conclusion).toBe("success");
  const job = jobNamed(run, "job");
  expect(job.outputs).toEqual({ answer: "42" });
  expect(job.summary).toBe("## Done\n");
  expect(job.steps[1]?.log).toContain("42 blue blue []");
  expect(job.steps[1]?.log).toContain("found me");
  expect(job.steps[1]?.log).not.toContain(`home ${process.env["HOME"]}\n`);
});

test("the machine's image sets variables for steps and actions, but none of GitHub's", async () => {
  await using world = await workflow(steps('- run: echo "[$IMAGE_OS] [$RUNNER_OS]"'), {
    runner: { environment: { IMAGE_OS: "noble", RUNNER_OS: "none" } },
  });
  expect(logOf(await world.push())).toContain("[noble] [Linux]");
});

test("the nearest of workflow, job and step says a variable, the shell and the folder", async () => {
  const whole =
    "env: { A: workflow, B: workflow, C: workflow }\ndefaults: { run: { shell: sh, working-directory: docs } }\n";
  const job = "env: { B: job, C: job }\ndefaults: { run: { working-directory: src } }";
  // bash that is asked for by name is strict
  const tell = 'case "${SHELLOPTS:-}" in *pipefail*) S=strict;; *) S=plain;; esac; echo "$A $B $C in ${PWD##*/}, $S"';
  const list = `- run: mkdir -p src docs
  working-directory: .
- run: ${tell}
  env: { C: step }
- run: ${tell}
  shell: bash
  working-directory: docs`;
  await using world = await workflow(`${whole}${steps(list, job)}`);
  const run = await world.push();
  expect(logOf(run)).toContain("workflow job step in src, plain");
  expect(logOf(run)).toContain("workflow job job in docs, strict");
});

test("a failed step stops those that follow, but for conditions that say otherwise", async () => {
  await using world = await workflow(
    steps(`- name: tolerated
  id: soft
  continue-on-error: true
  run: exit 3
- name: breaks
  if: steps.soft.outcome == 'failure' && steps.soft.conclusion == 'success'
  run: exit 4
- name: not reached
  run: echo never
- name: tidy
  if: always()
  run: echo tidied
- name: tell
  if: failure()
  run: echo told`),
  );
  const run = await world.push();
  expect(run.conclusion).toBe("failure");
  expect(jobNamed(run, "job").steps.map((step) => [step.name, step.conclusion])).toEqual([
    ["tolerated", "success"],
    ["breaks", "failure"],
    ["not reached", "skipped"],
    ["tidy", "success"],
    ["tell", "success"],
  ]);
  expect(jobNamed(run, "job").annotations.map((one) => one.message)).toContain("Process completed with exit code 4.");
});

test("workflow commands become annotations, masks hide what follows, in its encodings too", async () => {
  await using world = await workflow(
    steps(
      `- run: |
    echo "::error file=a.py,line=7,title=Bad%2C really::broken%0Atwice"
    echo "::add-mask::hunter2hunter2"
    echo "plain hunter2hunter2"
    echo "inside: $(printf 'user:hunter2hunter2' | base64)"
    echo "::stop-commands::pause"
    echo "::error::not this"
    echo "::pause::"
    echo "::debug::hidden"
- id: out
  run: |
    echo "secret=is hunter2hunter2" >> "$GITHUB_OUTPUT"
    echo "open=fine" >> "$GITHUB_OUTPUT"`,
      "outputs: { secret: '${{ steps.out.outputs.secret }}', open: '${{ steps.out.outputs.open }}' }",
    ),
  );
  const run = await world.push();
  const job = jobNamed(run, "job");
  expect(job.annotations[0]).toEqual({
    level: "error",
    message: "broken\ntwice",
    title: "Bad, really",
    file: "a.py",
    line: 7,
  });
  expect(logOf(run)).toContain("plain ***");
  expect(logOf(run)).toMatch(/^inside: \S*\*\*\*/m);
  expect(logOf(run)).toContain("::error::not this");
  expect(logOf(run)).not.toContain("##[debug]");
  expect(job.outputs).toEqual({ open: "fine" });
  expect(job.annotations.map((one) => one.message)).toContain("Skip output 'secret' since it may contain secret.");
});

test("a broken file command fails the step, a huge summary only loses itself", async () => {
  await using world = await workflow(
    steps(`- id: big
  run: head -c 1100000 /dev/zero | tr '\\0' 'x' >> "$GITHUB_STEP_SUMMARY"
- id: broken
  run: echo "no delimiter<<END" >> "$GITHUB_OUTPUT"`),
  );
  const run = await world.push();
  const [big, broken] = jobNamed(run, "job").steps;
  expect(big).toMatchObject({ conclusion: "success", summary: "" });
  expect(big?.annotations[0]?.message).toContain("upload aborted");
  expect(broken).toMatchObject({ conclusion: "failure" });
  expect(broken?.annotations[0]?.message).toContain("Matching delimiter not found 'END'");
});

test("only ten annotations of a kind are kept a step", async () => {
  await using world = await workflow(steps(`- run: for i in $(seq 12); do echo "::warning::w$i"; done`));
  const job = jobNamed(await world.push(), "job");
  expect(job.annotations).toHaveLength(10);
});

test("a step that takes too long is stopped", async () => {
  await using world = await workflow(steps(`- run: sleep 30\n  timeout-minutes: 0.005`));
  const run = await world.push();
  expect(run.conclusion).toBe("failure");
  expect(jobNamed(run, "job").annotations[0]?.message).toContain("has timed out after 0.005 minutes");
});

test("what is not modelled is refused by name", async () => {
  const refused = async (text: string): Promise<string> => {
    await using world = await workflow(text);
    const error = await world.push().catch((caught: unknown) => caught);
    expect(world.github.unmodelled).toHaveLength(1);
    return error instanceof Error ? error.message : "";
  };
  expect(await refused(steps("- uses: somebody/else@v1"))).toContain("action somebody/else@v1");
  expect(await refused(steps("- run: x\n  shell: pwsh"))).toContain("shell pwsh");
  expect(await refused(steps("- run: x", "services: { db: { image: postgres } }"))).toContain("jobs.job.services");
  expect(await refused(steps("- run: echo ${{ hashFiles('x') }}"))).toContain("hashFiles");
  expect(await refused(steps("- uses: actions/checkout@v4\n  with: { submodules: true }"))).toContain(
    "input submodules",
  );
});

test("what GitHub would refuse fails the run at its start", async () => {
  const errors = async (text: string): Promise<string> => {
    await using world = await workflow(text);
    const run = await world.push();
    expect(run.conclusion).toBe("startup_failure");
    return run.errors.join("\n");
  };
  expect(await errors(steps("- run: x", "colour: red"))).toContain("Unexpected value 'colour'");
  expect(await errors(steps("- run: echo ${{ nothing.here }}"))).toContain("Unrecognized named-value: 'nothing'");
  expect(await errors(steps("- run: echo ${{ nope(1) }}"))).toContain("Unrecognized function: 'nope'");
  expect(await errors(steps("- run: x", "if: ${{ secrets.A != '' }}"))).toContain(
    "Unrecognized named-value: 'secrets'",
  );
  expect(await errors(steps("- run: x", "needs: other"))).toContain("no dependencies");
});
