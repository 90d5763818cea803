/** A runner over a small repository; what a test writes is the workflow files and what it asks of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GitHubScenarioInput } from "../../../simulator/github/scenario.ts";
import type { GitHubSimulator } from "../../../simulator/github/server.ts";
import {
  createRunner,
  type JobResult,
  type Runner,
  type RunnerOptions,
  type RunResult,
} from "../../../simulator/runner/runner.ts";
import { begin, type Files, type Repository } from "../github/harness.ts";

export interface World extends AsyncDisposable {
  readonly github: GitHubSimulator;
  readonly repository: Repository;
  readonly runner: Runner;
  /** Pushes nothing new: runs `.github/workflows/main.yml` of main as a push would. */
  push(): Promise<RunResult>;
}

export const MAIN = ".github/workflows/main.yml";

/** The workflow is `main.yml`; other files by their path. */
export async function workflow(
  main: string,
  options: { files?: Files; scenario?: GitHubScenarioInput; runner?: Omit<RunnerOptions, "github"> } = {},
): Promise<World> {
  const world = await begin(options.scenario ?? {}, { "README.md": "hello\n", [MAIN]: main, ...options.files });
  const runner = createRunner({ github: world.github, ...options.runner });
  return {
    github: world.github,
    repository: world.repository,
    runner,
    push: () => runner.dispatch({ event: "push", workflow: MAIN, actor: "octocat" }),
    [Symbol.asyncDispose]: async () => {
      await runner.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** A workflow on push with one job of these steps (YAML, indented by nothing). */
export function steps(list: string, job = ""): string {
  const indent = (text: string, by: number): string => text.replace(/^(?=.)/gm, " ".repeat(by));
  return `on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n${indent(job, 4)}\n    steps:\n${indent(list, 6)}\n`;
}

export function jobNamed(run: RunResult, name: string): JobResult {
  const found = run.jobs.find((job) => job.name === name);
  if (found === undefined) throw new Error(`No job ${name} among ${run.jobs.map((job) => job.name).join(", ")}`);
  return found;
}

/** What the steps of a run said, all together. */
export function logOf(run: RunResult): string {
  return run.jobs.flatMap((job) => job.steps.map((step) => step.log)).join("\n");
}

export function temporary(): { readonly dir: string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), "four-tier-test-"));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}
