/** Commands that need nothing of each other, run side by side: each leaves a core idle for part of its time. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** A command under the name that it is reported by. */
export type Step = readonly [name: string, command: string, args: readonly string[]];

export const TYPE_CHECK: Step = ["type check", "tsc", ["-p", "tsconfig.json"]];
export const LINT: Step = ["lint", "oxlint", ["--type-aware", "--deny-warnings"]];
export const FORMAT: Step = ["format", "biome", ["format"]];

/** What the code has to pass before anything of it is run. */
export const STATIC_CHECKS: readonly Step[] = [TYPE_CHECK, LINT, FORMAT];

/** How a command ended. */
interface Outcome {
  readonly ok: boolean;
  /** What it printed, and a line that says how it went. */
  readonly said: string;
}

/** Runs the steps; says of each how it went when it has ended, with what it printed. Gives how many failed. */
export async function runSteps(steps: readonly Step[]): Promise<number> {
  const outcomes = steps.map(async (step) => {
    const outcome = await runStep(step);
    console.log(outcome.said);
    return outcome;
  });
  return failures(await Promise.all(outcomes));
}

function failures(outcomes: readonly Outcome[]): number {
  return outcomes.filter(({ ok }) => !ok).length;
}

async function runStep([name, command, args]: Step): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<{ ok: boolean; error: string }>((resolve) => {
    child.on("error", ({ message }) => resolve({ ok: false, error: `${message}\n` }));
    child.on("close", (code) => resolve({ ok: code === 0, error: "" }));
  });
  const [{ ok, error }, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  return { ok, said: `${out}${err}${error}${ok ? "ok  " : "FAIL"} ${name} (${seconds} s)` };
}
