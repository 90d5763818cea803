import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Repository } from "../github/harness.ts";
import { MAIN, temporary } from "./harness.ts";

const MAIN_TS = new URL("../../../simulator/runner/main.ts", import.meta.url).pathname;

async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [MAIN_TS, ...args])) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const WORKFLOW = `on: { pull_request: {}, workflow_dispatch: { inputs: { code: { type: number, default: 0 } } } }
jobs:
  first: { runs-on: x, steps: [{ name: hello, run: "echo hi > $GITHUB_STEP_SUMMARY; exit \${{ inputs.code || 0 }}" }] }
  second: { needs: first, environment: prod, runs-on: x, steps: [{ run: "echo in \${{ vars.PLACE }}" }] }
`;

test("the command prints a line a step, exits by the conclusion, and leaves the repository alone", async () => {
  using repository = new Repository({ [MAIN]: WORKFLOW });
  using folder = temporary();
  repository.commit("Feature", { "f.txt": "f" }, "feature");
  const scenario = join(folder.dir, "scenario.yml");
  writeFileSync(
    scenario,
    "github: { users: { octocat: {}, hubot: {} }, environments: { prod: { reviewers: [hubot], variables: { PLACE: here } } } }\n",
  );
  const json = join(folder.dir, "run.json");
  const common = [MAIN, "--repo", repository.dir, "--scenario", scenario];
  const before = repository.git("for-each-ref");
  const pull = await cli(
    ...common,
    "--event",
    "pull_request",
    "--head",
    "feature",
    "--approve",
    "hubot",
    "--json",
    json,
  );
  expect(pull).toMatchObject({ code: 0, stderr: "" });
  expect(pull.stdout).toMatch(/ok {3}hello \(\d+\.\d s\)/);
  expect(pull.stdout).toContain("second waits for a review for prod");
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({
    conclusion: "success",
    jobs: [{ name: "first", summary: "hi\n" }, { name: "second" }],
  });
  expect(repository.git("for-each-ref")).toBe(before);
  const dispatch = await cli(...common, "--event", "workflow_dispatch", "--input", "code=3");
  expect(dispatch.code).toBe(1);
  expect(dispatch.stdout).toContain("FAIL hello");
  expect(dispatch.stdout).toContain("second: skipped");
  const refused = await cli(...common, "--event", "workflow_dispatch", "--approve", "octocat");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("octocat is not a required reviewer");
});

test("without what it needs it says how to call it", async () => {
  const { code, stderr } = await cli(MAIN);
  expect(code).toBe(1);
  expect(stderr).toContain("usage: npm run workflow");
});
