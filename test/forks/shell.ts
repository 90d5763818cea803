/**
 * A shell that starts git for this process. Node forks to start a program, and the kernel copies the page tables of the
 * whole process for that and throws them away at once: for a process of 150 MB this takes eight times as long as
 * `git rev-parse` itself, for one of a small Node as long, for a shell next to nothing.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lines } from "../../simulator/runner/process.ts";

/** One git command. */
export interface Command {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How it ended. */
export interface Ended {
  /** Undefined: git could not be started. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface GitShell {
  run(command: Command, input: Uint8Array): Promise<Ended>;
  /** Nothing else happens in this process until git has ended. */
  runNow(command: Command): Ended;
}

/** Where one command's input and output are; used again by a later one. */
interface Place {
  readonly input: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a shell says where it does not find the program, or where our line does not find the folder. */
const NOT_STARTED = 127;

/** Children that have ended are forgotten when so many have been started. */
const REAPED_AFTER = 50;

/** Starts the shell, which ends with this process. */
export function openGitShell(): GitShell {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-forks-"));
  const [orders, answers] = [join(folder, "orders"), join(folder, "answers")];
  execFileSync("mkfifo", [orders, answers]);
  // open for both ways, so that neither end waits for the other
  const answersEnd = openSync(answers, "r+");
  const ordersEnd = openSync(orders, "r+");
  const shellsEnd = openSync(orders, "r");
  // of a group of its own: what ends an action's group comes to git through the action
  const shell = spawn("/bin/sh", [], { stdio: [shellsEnd, "pipe", "ignore", answersEnd], env: {}, detached: true });
  closeSync(shellsEnd);

  const free: Place[] = [];
  let made = 0;
  const place = (): Place => {
    const unused = free.pop();
    if (unused !== undefined) return unused;
    made += 1;
    const at = (name: string): string => join(folder, `${name}-${made}`);
    return { input: at("input"), stdout: at("stdout"), stderr: at("stderr") };
  };
  const ended = (at: Place, status: number): Ended => {
    const [stdout, stderr] = [readFileSync(at.stdout), readFileSync(at.stderr)];
    free.push(at);
    return { status: status === NOT_STARTED ? undefined : status, stdout, stderr };
  };
  const order = (text: string): void => {
    const bytes = Buffer.from(`${text}\n`);
    for (let written = 0; written < bytes.length; ) written += writeSync(ordersEnd, bytes, written);
  };

  const waiting = new Map<string, (status: number) => void>();
  let started = 0;
  if (shell.stdout !== null)
    lines(shell.stdout, (line) => {
      const [id = "", status] = line.split(" ");
      waiting.get(id)?.(Number(status));
      waiting.delete(id);
      if (waiting.size > 0) return;
      keepAlive(shell, false);
      if (started % REAPED_AFTER === 0) order("wait");
    });
  keepAlive(shell, false);

  return {
    run: (command, input) =>
      new Promise((resolve) => {
        const at = place();
        const id = String((started += 1));
        waiting.set(id, (status) => resolve(ended(at, status)));
        keepAlive(shell, true);
        if (input.length > 0) writeFileSync(at.input, input);
        order(`{ ${lineOf(command, at, input.length > 0)}; echo "${id} $?"; } &`);
      }),
    runNow: (command) => {
      const at = place();
      order(`${lineOf(command, at, false)}; echo $? >&3`);
      return ended(at, readNumber(answersEnd));
    },
  };
}

/** Whether this process goes on while the shell may answer. */
function keepAlive(shell: ChildProcess, yes: boolean): void {
  const output = shell.stdout as (ChildProcess["stdout"] & { ref(): void; unref(): void }) | null;
  if (yes) output?.ref();
  else output?.unref();
  if (!yes) shell.unref();
}

/**
 * One command for the shell, which has no variables of its own: git gets those that are given and have a name that a
 * shell knows; git itself has no others.
 */
function lineOf({ args, cwd, env }: Command, at: Place, hasInput: boolean): string {
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && /^[A-Za-z_]\w*$/.test(name) ? [`${name}=${quoted(value)}`] : [],
  );
  const files = `<${quoted(hasInput ? at.input : "/dev/null")} >${quoted(at.stdout)} 2>${quoted(at.stderr)}`;
  const git = `${variables.join(" ")} git ${args.map(quoted).join(" ")}`;
  // it exports where it is, which git would believe
  return `if cd ${quoted(cwd)} && unset PWD OLDPWD; then ${git}; else (exit ${NOT_STARTED}); fi ${files} 3>&-`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Waits for a line that is a number. */
function readNumber(pipe: number): number {
  const bytes = Buffer.alloc(16);
  const length = readSync(pipe, bytes, 0, bytes.length, null);
  return Number(bytes.toString("latin1", 0, length));
}
