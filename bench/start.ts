/** How long an action takes to start, beside Node alone and beside other actions given by path. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { median, round, timed } from "./measure.ts";

const WARM_UP = 3;

export interface StartFigures {
  readonly name: "start";
  readonly rounds: number;
  /** Milliseconds of `node -e 0`. */
  readonly floor: number;
  readonly actions: readonly { readonly action: string; readonly milliseconds: number; readonly ratio: number }[];
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
    const times = new Map<string, number[]>([
      ["node", []],
      ...scripts.map(([name = ""]): [string, number[]] => [name, []]),
    ]);
    for (let round_ = -WARM_UP; round_ < rounds; round_ += 1) {
      for (const [name = "", path = ""] of [["node", ""], ...scripts]) {
        const args = path === "" ? ["-e", "0"] : [path];
        const { seconds } = await timed({ file: process.execPath, args, env, cwd: folder });
        if (round_ >= 0) times.get(name)?.push(seconds * 1000);
      }
    }
    const floor = median(times.get("node") ?? []);
    const actions = scripts.map(([action = ""]) => {
      const milliseconds = median(times.get(action) ?? []);
      return { action, milliseconds: round(milliseconds), ratio: round(milliseconds / floor) };
    });
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
