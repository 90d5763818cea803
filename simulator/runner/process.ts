/** Child processes of steps: line by line output, a deadline, and a cancellation that ends the whole group. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A process of a step: what is run, and who hears of it. */
interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
}

/** How a child process ended. */
type ProcessEnd = { readonly kind: "exit"; readonly code: number } | { readonly kind: "timeout" | "cancelled" };

/** What runs now: ended with this process, so that nothing is left behind. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) signalGroup(child, "SIGKILL");
});

/** How long a cancelled process may take: SIGINT, then SIGTERM, then SIGKILL, as the service's runner does. */
const GRACE_MS = { interrupt: 7_500, terminate: 2_500 };

/** Runs a process of a step to its end; never rejects for what the process does. */
export type RunProcess = (options: ProcessOptions) => Promise<ProcessEnd>;

/** Runs a process of its own. */
export const runProcess: RunProcess = (options) =>
  new Promise((resolve, reject) => {
    const child = spawn(options.command, [...options.args], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    const deadline = stopInTime(child, options);
    lines(child.stdout, options.onLine);
    lines(child.stderr, options.onLine);
    const end = (): void => {
      running.delete(child);
      deadline.over();
    };
    child.on("error", (error) => {
      end();
      reject(error);
    });
    child.on("close", (code) => {
      end();
      resolve(deadline.end(code ?? 1));
    });
  });

/** Stops a process that is cancelled or takes too long, until it is `over`; `end` says which it was. */
export function stopInTime(
  child: ChildProcess,
  { signal, timeoutMs }: Pick<ProcessOptions, "signal" | "timeoutMs">,
): { over(): void; end(code: number): ProcessEnd } {
  const timers: NodeJS.Timeout[] = [];
  let stopped: "timeout" | "cancelled" | undefined;
  const stop = (why: "timeout" | "cancelled"): void => {
    if (stopped !== undefined) return;
    stopped = why;
    signalGroup(child, "SIGINT");
    timers.push(setTimeout(() => signalGroup(child, "SIGTERM"), GRACE_MS.interrupt));
    timers.push(setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS.interrupt + GRACE_MS.terminate));
  };
  const cancel = (): void => stop("cancelled");
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel);
  if (timeoutMs !== undefined) timers.push(setTimeout(() => stop("timeout"), timeoutMs));
  return {
    over: () => {
      signal.removeEventListener("abort", cancel);
      for (const timer of timers) clearTimeout(timer);
    },
    end: (code) => (stopped === undefined ? { kind: "exit", code } : { kind: stopped }),
  };
}

/** Sends a signal to a detached process and all that it started. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Calls back with each line of a stream, the last one also without its end. */
export function lines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const parts = (rest + decoder.write(chunk)).split(/\r?\n/);
    rest = parts.pop() ?? "";
    for (const line of parts) onLine(line);
  });
  stream.on("end", () => {
    rest += decoder.end();
    if (rest !== "") onLine(rest);
  });
}
