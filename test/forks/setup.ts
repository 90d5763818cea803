/**
 * Git for tests, started by a small process. To start a program, Node forks, and the kernel copies the page tables of the
 * whole process first and throws them away at once: for a test process of 400 MB that took as long as git itself, ten
 * thousand times. It is the same git, with the same arguments, folder, environment and input; what else a test starts is
 * started as ever.
 */
import childProcess, {
  type ExecFileOptions,
  type ExecFileSyncOptions,
  fork,
  type SpawnOptions,
} from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdtempSync, openSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { promisify } from "node:util";
import { type Answer, type Order, readAnswer, writeMessage } from "./wire.ts";

type Command = Pick<Order, "args" | "cwd" | "env">;
type Told = (error: Error | null, stdout: string | Buffer, stderr: string | Buffer) => void;

const { spawn, execFile, execFileSync } = childProcess;

/** Of the process, which runs one file after another. */
const shared = globalThis as { fourTierForks?: true };
if (shared.fourTierForks === undefined) {
  shared.fourTierForks = true;
  replace(startServer());
}

interface Server {
  run(command: Command, input: Uint8Array): Promise<Answer>;
  runNow(command: Command, input: Uint8Array): Answer;
}

function startServer(): Server {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-forks-"));
  const pipes = ["orders", "answers"].map((name) => join(folder, name));
  execFileSync("mkfifo", pipes);
  const server = fork(join(import.meta.dirname, "server.ts"), pipes, {
    serialization: "advanced",
    execArgv: ["--single-threaded", "--max-old-space-size=64"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  server.unref();
  const [orders = 0, answers = 0] = pipes.map((pipe) => openSync(pipe, "r+"));
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  server.on("message", (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
    if (waiting.size === 0) server.channel?.unref();
  });
  server.channel?.unref();
  return {
    run: (command, input) =>
      new Promise((resolve) => {
        last += 1;
        waiting.set(last, resolve);
        server.channel?.ref();
        server.send({ ...command, id: last, input } satisfies Order);
      }),
    runNow: (command, input) => {
      writeMessage(orders, { ...command, id: 0, input });
      return readAnswer(answers);
    },
  };
}

/** From here on, what asks Node for `git` in one of the ways that we use gets it from the server. */
function replace(server: Server): void {
  Object.assign(childProcess, {
    spawn: (program: string, args: readonly string[], options: SpawnOptions) =>
      program === "git" ? spawned(server, args, options) : spawn(program, args, options),
    execFile: Object.assign(
      (program: string, args: readonly string[], options: ExecFileOptions, told: Told) =>
        program === "git" ? void tell(server, args, options, told) : execFile(program, args, options, told),
      { [promisify.custom]: promisify(execFile) },
    ),
    execFileSync: (program: string, args: readonly string[], options: ExecFileSyncOptions) => {
      if (program !== "git") return execFileSync(program, args, options);
      const answer = server.runNow(commandOf(args, options), NOTHING);
      const error = errorOf(args, answer);
      if (error !== null) throw error;
      return textIn(options.encoding)(answer.stdout);
    },
  });
  syncBuiltinESMExports();
}

async function tell(server: Server, args: readonly string[], options: ExecFileOptions, told: Told): Promise<void> {
  const answer = await server.run(commandOf(args, options), NOTHING);
  const text = textIn(options.encoding === undefined ? "utf8" : options.encoding);
  told(errorOf(args, answer), text(answer.stdout), text(answer.stderr));
}

const NOTHING = new Uint8Array();

function commandOf(args: readonly string[], { cwd, env }: SpawnOptions): Command {
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(env ?? process.env)) if (value !== undefined) set[name] = value;
  return { args: [...args], cwd: cwd?.toString(), env: set };
}

/** Bytes as they are, or as UTF-8: no other encoding is asked for. */
function textIn(encoding: ExecFileOptions["encoding"]): (bytes: Uint8Array) => string | Buffer {
  const asIs = encoding === undefined || encoding === null || encoding === "buffer";
  return (bytes) => (asIs ? Buffer.from(bytes) : Buffer.from(bytes).toString("utf8"));
}

function errorOf(args: readonly string[], { status, stdout, stderr }: Answer): Error | null {
  if (status === undefined) return Object.assign(new Error("spawn git ENOENT"), { code: "ENOENT" });
  if (status === 0) return null;
  const said = Buffer.from(stderr);
  const error = new Error(`Command failed: git ${args.join(" ")}\n${said.toString()}`);
  return Object.assign(error, { code: status, status, stdout: Buffer.from(stdout), stderr: said });
}

/** A child process as far as we use one that is git: its three streams, `error` and `close`. */
function spawned(server: Server, args: readonly string[], options: SpawnOptions): EventEmitter {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const input: Buffer[] = [];
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      input.push(chunk);
      done();
    },
    final: (done) => {
      done();
      void server.run(commandOf(args, options), Buffer.concat(input)).then((answer) => {
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
