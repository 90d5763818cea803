/**
 * Actions without their start: a Node that has run an action runs the next one, with its code loaded and compiled, which
 * halves the work of a chain. Variables, folder, files, output, exit code and signals are as in a process of its own;
 * what modules keep stays. Whatever depends on a process's start or end gets one of its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { lines, signalGroup } from "../../simulator/runner/process.ts";
import { COMPILED } from "./compiled.ts";

/** One action: its main.js, with all of its variables; what the witness is told, if there is one. */
interface Action {
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly keepIn?: string;
}

/** What a host is told; `mark` ends the action's output. */
export interface Order extends Action {
  readonly mark: string;
}

/** A module that a host tells of each action, and where to keep what it leaves. */
export interface Witness {
  readonly beginAction: (keepIn: string) => void;
  readonly endAction: () => void;
}

type OnLine = (line: string, stream: "stdout" | "stderr") => void;

interface Host {
  readonly child: ChildProcess;
  onLine: OnLine;
}

export interface WarmNodes {
  /** Starts an action; `ended` resolves with its exit code, or with null if a signal ended its process. */
  start(action: Action, onLine: OnLine): { readonly child: ChildProcess; readonly ended: Promise<number | null> };
}

/** What Node reads when it starts, and what the suite reads once a process; compiled code is everybody's or its own. */
const OF_A_PROCESS = /^NODE_(?!COMPILE_CACHE$)|_PROXY$/i;

/** Whether an action with these variables can do without a process of its own. */
export const canBeWarm = (env: Readonly<Record<string, unknown>>): boolean =>
  "NODE_COMPILE_CACHE" in env && !Object.keys(env).some((name) => OF_A_PROCESS.test(name));

/**
 * As many processes as actions run at once, until this one ends. Node gets `nodeArguments`; `witness`, a module's address, is told of each
 * action.
 */
export function openWarmNodes(nodeArguments: readonly string[], witness?: string): WarmNodes {
  const all = new Set<ChildProcess>();
  const idle: Host[] = [];
  process.on("exit", () => {
    for (const child of all) signalGroup(child, "SIGKILL");
  });

  const open = (): Host => {
    const host = `${import.meta.dirname}/warm-host.ts`;
    const child = spawn(process.execPath, [...nodeArguments, host, ...(witness === undefined ? [] : [witness])], {
      // of the machine alone: an action brings all of its own
      env: { ...COMPILED, PATH: process.env["PATH"], HOME: tmpdir(), TMPDIR: tmpdir() },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
    const made: Host = { child, onLine: () => undefined };
    all.add(child);
    child.on("exit", () => {
      all.delete(child);
      const at = idle.indexOf(made);
      if (at >= 0) idle.splice(at, 1);
    });
    if (child.stdout !== null) lines(child.stdout, (line) => made.onLine(line, "stdout"));
    if (child.stderr !== null) lines(child.stderr, (line) => made.onLine(line, "stderr"));
    return made;
  };

  const act = (host: Host, action: Action, onLine: OnLine): Promise<number | null> =>
    new Promise((resolve, reject) => {
      const { child } = host;
      const mark = `four-tier-end-${randomUUID()}`;
      let open = 2;
      let code = 0;
      const died = (status: number | null): void => {
        child.removeListener("error", reject);
        resolve(status);
      };
      child.once("close", died);
      child.once("error", reject);
      host.onLine = (line, stream) => {
        const [text = "", end] = line.split(mark);
        if (end === undefined || text !== "") onLine(text, stream);
        if (end === undefined) return;
        if (stream === "stdout") code = Number(end);
        open -= 1;
        if (open > 0) return;
        child.removeListener("close", died);
        child.removeListener("error", reject);
        idle.push(host);
        resolve(code);
      };
      child.send({ ...action, mark } satisfies Order);
    });

  return {
    start: (action, onLine) => {
      const host = idle.pop() ?? open();
      return { child: host.child, ended: act(host, action, onLine) };
    },
  };
}
