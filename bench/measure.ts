/** Numbers that mean something on a busy machine: medians of many, and ratios of what was measured side by side. */
import { type ChildProcess, spawn } from "node:child_process";

export interface Ended {
  readonly seconds: number;
  readonly code: number | null;
  readonly text: string;
}

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Runs a program to its end; wall time from before it is started. */
export async function timed(command: Command): Promise<Ended> {
  const started = performance.now();
  const child: ChildProcess = spawn(command.file, command.args, {
    env: Object.fromEntries(Object.entries(command.env).filter(([, value]) => value !== undefined)),
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  const code = await new Promise<number | null>((done, failed) => {
    child.once("error", failed);
    child.once("close", done);
  });
  return { seconds: (performance.now() - started) / 1000, code, text };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new RangeError("the median of nothing");
  return (low + high) / 2;
}

/** Rounded for people: three digits behind the point. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
