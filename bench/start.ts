/** How long an action takes to start, beside Node alone and beside other actions given by path. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { median, round, timed } from "./measure.ts";

const WARM_UP = 3;
/** What an action's main.js keeps compiled code in, below RUNNER_TEMP. */
const COMPILED = "four-tier-code";

interface StartFigures {
  readonly name: "start";
  readonly rounds: number;
  /** Milliseconds of `node -e 0`. */
  readonly floor: number;
  readonly actions: readonly {
    readonly action: string;
    /** The first step of a job: no compiled code is kept yet. */
    readonly first: StartTime;
    /** Any later step. */
    readonly later: StartTime;
  }[];
}

interface StartTime {
  readonly milliseconds: number;
  /** Of the median of `node -e 0` in the same run. */
  readonly ratio: number;
}

/**
 * Each of our actions as a runner starts it, stopped by its first input (there is no tier `nowhere`), so everything it
 * always loads is loaded and nothing is sent. All take turns, so that a busy machine slows all alike.
 */
export async function start(others: readonly string[], rounds: number): Promise<StartFigures> {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-bench-"));
  try {
    const env = runnerEnvironment(folder);
    const own = readdirSync(".").filter((name) => name.startsWith("action-"));
    const scripts = [
      ...own.map((name) => [name, resolve(name, "main.js")]),
      ...others.map((path) => [path, resolve(path)]),
    ];
    const times = new Map<string, number[]>();
    const measure = async (name: string, args: readonly string[], counts: boolean): Promise<void> => {
      const { seconds } = await timed({ file: process.execPath, args, env, cwd: folder });
      if (counts) times.set(name, [...(times.get(name) ?? []), seconds * 1000]);
    };
    for (let round_ = -WARM_UP; round_ < rounds; round_ += 1) {
      await measure("node", ["-e", "0"], round_ >= 0);
      for (const [name = "", path = ""] of scripts) {
        rmSync(join(folder, COMPILED), { recursive: true, force: true });
        await measure(`first ${name}`, [path], round_ >= 0);
        await measure(`later ${name}`, [path], round_ >= 0);
      }
    }
    const floor = median(times.get("node") ?? []);
    const time = (name: string): StartTime => {
      const milliseconds = median(times.get(name) ?? []);
      return { milliseconds: round(milliseconds), ratio: round(milliseconds / floor) };
    };
    const actions = scripts.map(([action = ""]) => ({
      action,
      first: time(`first ${action}`),
      later: time(`later ${action}`),
    }));
    return { name: "start", rounds, floor: round(floor), actions };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a runner sets, for a run that reaches nothing. */
export function runnerEnvironment(folder: string): Record<string, string | undefined> {
  for (const file of ["output", "env", "summary"]) writeFileSync(join(folder, file), "");
  return {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GITHUB_REPOSITORY: "acme/bench",
    GITHUB_SHA: "0".repeat(40),
    GITHUB_REF: "refs/heads/main",
    GITHUB_EVENT_NAME: "push",
    GITHUB_ACTOR: "octocat",
    GITHUB_RUN_ID: "1",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "bench",
    GITHUB_WORKFLOW_REF: "acme/bench/.github/workflows/promote.yml@refs/heads/main",
    GITHUB_WORKSPACE: folder,
    GITHUB_API_URL: "http://127.0.0.1:9",
    RUNNER_TEMP: folder,
    GITHUB_OUTPUT: join(folder, "output"),
    GITHUB_ENV: join(folder, "env"),
    GITHUB_STEP_SUMMARY: join(folder, "summary"),
    INPUT_TIER: "nowhere",
    INPUT_MODE: "plan",
  };
}

/** Defaults of an action.yml, as a runner hands them over. */
export function actionDefaults(action: string): Record<string, string> {
  const { inputs } = parse(readFileSync(join(action, "action.yml"), "utf8")) as {
    inputs: Record<string, { default?: string }>;
  };
  const given = Object.entries(inputs).filter(
    ([, { default: value }]) => value !== undefined && !value.includes("${{"),
  );
  return Object.fromEntries(given.map(([name, { default: value }]) => [`INPUT_${name.toUpperCase()}`, String(value)]));
}
