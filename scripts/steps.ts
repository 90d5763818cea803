/** Commands that need nothing of each other, run side by side: each leaves a core idle for part of its time. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** A command under the name that it is reported by. */
export type Step = readonly [name: string, command: string, args: readonly string[]];

/** Types of all files. */
export const TYPE_CHECK: Step = ["type check", "tsc", ["-p", "tsconfig.json"]];
/** Our rules, those that need types included. */
export const LINT: Step = ["lint", "oxlint", ["--type-aware", "--deny-warnings"]];
/** Whether everything is formatted, and imports are in order. */
export const FORMAT: Step = ["format", "biome", ["check"]];
/** Whether what `npm run docs` and `npm run schema` make is what they would make now. */
export const GENERATED: readonly Step[] = [
  ["docs are current", process.execPath, ["scripts/docs.ts", "--check"]],
  ["coverage is current", process.execPath, ["scripts/simulator-docs.ts", "--check"]],
  ["schema is current", process.execPath, ["scripts/schema.ts", "--check"]],
];

/** What the code has to pass before anything of it is run. */
export const STATIC_CHECKS: readonly Step[] = [TYPE_CHECK, LINT, FORMAT];

/** Runs the steps; says of each how it went when it has ended, with what it printed. Gives how many failed. */
export async function runSteps(steps: readonly Step[]): Promise<number> {
  const outcomes = await Promise.all(steps.map(runStep));
  return outcomes.filter((ok) => !ok).length;
}

async function runStep([name, command, args]: Step): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<boolean>((resolve) => {
    child.on("error", (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
  const [ok, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  process.stdout.write(out);
  process.stderr.write(err);
  console.log(`${ok ? "ok  " : "FAIL"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return ok;
}
