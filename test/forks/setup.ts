/**
 * Where this is loaded, git is started by a shell (shell.ts). It is the same git, with the same arguments, folder,
 * environment and input; whatever else is started is started as ever.
 */
import childProcess, { type ExecFileSyncOptions, type SpawnOptions } from "node:child_process";
import { EventEmitter } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { type Command, type Ended, type GitShell, openGitShell } from "./shell.ts";

const { spawn, execFileSync } = childProcess;

/** Of the process, which runs one file after another. */
const shared = globalThis as { fourTierForks?: true };
if (shared.fourTierForks === undefined) {
  shared.fourTierForks = true;
  replace(openGitShell());
}

/** From here on, what asks Node for `git` in one of the ways that we use gets it from the shell. */
function replace(shell: GitShell): void {
  Object.assign(childProcess, {
    spawn: (program: string, args: readonly string[], options: SpawnOptions) =>
      program === "git" ? spawned(shell, args, options) : spawn(program, args, options),
    execFileSync: (program: string, args: readonly string[], options: ExecFileSyncOptions) => {
      if (program !== "git") return execFileSync(program, args, options);
      const answer = shell.runNow(commandOf(args, options));
      const error = errorOf(args, answer);
      if (error !== null) throw error;
      const isText = options.encoding !== undefined && options.encoding !== "buffer";
      return isText ? answer.stdout.toString("utf8") : answer.stdout;
    },
  });
  syncBuiltinESMExports();
}

const commandOf = (args: readonly string[], { cwd = "", env = process.env }: SpawnOptions): Command => ({
  args,
  cwd: resolve(cwd.toString()),
  env,
});

function errorOf(args: readonly string[], { status, stdout, stderr }: Ended): Error | null {
  if (status === undefined) return Object.assign(new Error("spawn git ENOENT"), { code: "ENOENT" });
  if (status === 0) return null;
  const error = new Error(`Command failed: git ${args.join(" ")}\n${stderr.toString()}`);
  return Object.assign(error, { code: status, status, stdout, stderr });
}

/** A child process as far as we use one that is git: its three streams, `error` and `close`. */
function spawned(shell: GitShell, args: readonly string[], options: SpawnOptions): EventEmitter {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const input: Buffer[] = [];
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      input.push(chunk);
      done();
    },
    final: (done) => {
      done();
      void shell.run(commandOf(args, options), Buffer.concat(input)).then((answer) => {
        if (answer.status === undefined) return child.emit("error", errorOf(args, answer));
        stdout.end(answer.stdout);
        stderr.end(answer.stderr);
        return Promise.all([finished(stdout), finished(stderr)]).then(() => child.emit("close", answer.status, null));
      });
    },
  });
  const child = Object.assign(new EventEmitter(), { stdin, stdout, stderr });
  return child;
}
