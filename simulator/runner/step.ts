/** One step: its log, its annotations, its files, and how it ended. */
import { parseCommand } from "./commands.ts";
import { FileCommands, type FileResults } from "./file-commands.ts";
import type { Masks } from "./masks.ts";
import type { RunProcess } from "./process.ts";
import { UnmodelledError } from "./unmodelled.ts";

/** What a step says of a place, or of the run. */
export interface Annotation {
  readonly level: "error" | "warning" | "notice";
  readonly message: string;
  readonly title?: string;
  readonly file?: string;
  readonly line?: number;
}

/** Per type and step; a message is cut at 4096 characters (facts: github 1). */
const ANNOTATIONS_PER_TYPE = 10;
const MESSAGE_LIMIT = 4096;
/** Of an annotation. */
const PROPERTIES: readonly string[] = ["title", "file", "line", "endLine", "col", "endColumn"];

/** What a step has said so far. Everything is masked as it comes in. */
export class StepLog {
  readonly annotations: Annotation[] = [];
  readonly #lines: string[] = [];
  readonly #masks: Masks;
  readonly #debug: boolean;
  #stopped: string | undefined;
  /** A workflow command that the runner does not know. */
  #unknown: string | undefined;

  constructor(masks: Masks, debug: boolean) {
    this.#masks = masks;
    this.#debug = debug;
  }

  text(): string {
    // Once more as a whole: a mask may have come after the line, or span two.
    return this.#masks.apply(this.#lines.join("\n"));
  }

  add(line: string): void {
    this.#lines.push(this.#masks.apply(line));
  }

  annotate(level: Annotation["level"], message: string, properties: Readonly<Record<string, string>> = {}): void {
    const shown = this.#masks.apply(message);
    this.add(`##[${level}]${shown}`);
    if (this.annotations.filter((one) => one.level === level).length >= ANNOTATIONS_PER_TYPE) return;
    const line = Number(properties["line"] ?? "");
    this.annotations.push({
      level,
      message: shown.slice(0, MESSAGE_LIMIT),
      ...(properties["title"] === undefined ? {} : { title: this.#masks.apply(properties["title"]) }),
      ...(properties["file"] === undefined ? {} : { file: properties["file"] }),
      ...(Number.isInteger(line) && line > 0 ? { line } : {}),
    });
  }

  /** A line of the step's output: a command is obeyed, anything else is logged. */
  output(line: string): void {
    const command = parseCommand(line);
    if (this.#stopped !== undefined) {
      if (command?.name === this.#stopped) this.#stopped = undefined;
      else this.add(line);
      return;
    }
    if (command === undefined) {
      this.add(line);
      return;
    }
    switch (command.name) {
      case "add-mask":
        this.#masks.add(command.message);
        return;
      case "error":
      case "warning":
      case "notice": {
        const odd = Object.keys(command.properties).find((name) => !PROPERTIES.includes(name));
        if (odd !== undefined) this.#unknown ??= `${command.name} ${odd}=`;
        this.annotate(command.name, command.message, command.properties);
        return;
      }
      case "debug":
        if (this.#debug) this.add(`##[debug]${command.message}`);
        return;
      case "group":
        this.add(`##[group]${command.message}`);
        return;
      case "endgroup":
        this.add("##[endgroup]");
        return;
      case "stop-commands":
        this.#stopped = command.message;
        return;
      case "set-output":
      case "save-state":
        // Dead since 2023 but for old toolkits: a step that still uses it has lost its output file.
        this.annotate("warning", `The \`${command.name}\` command is not supported any more; use Environment Files.`);
        return;
      default:
        this.#unknown ??= command.name;
        this.add(line);
    }
  }

  /** Throws UnmodelledError if the step gave a command that is not known: it would pass for text. */
  refuseUnknown(): void {
    if (this.#unknown !== undefined) throw new UnmodelledError(`workflow command ::${this.#unknown}::`);
  }
}

/** The process that does a step's work. */
export interface StepProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

interface ProcessOutcome {
  readonly ok: boolean;
  readonly cancelled: boolean;
  readonly files: FileResults;
}

/** Runs a step's process with fresh files, and reads what it wrote. */
export async function runStepProcess(
  step: StepProcess,
  options: {
    readonly name: string;
    readonly temp: string;
    readonly log: StepLog;
    readonly signal: AbortSignal;
    readonly timeoutMinutes: number | undefined;
    readonly run: RunProcess;
  },
): Promise<ProcessOutcome> {
  const files = await FileCommands.create(options.temp);
  const end = await options.run({
    ...step,
    env: { ...step.env, ...files.env },
    onLine: (line) => options.log.output(line),
    signal: options.signal,
    timeoutMs: options.timeoutMinutes === undefined ? undefined : options.timeoutMinutes * 60_000,
  });
  options.log.refuseUnknown();
  const results = await files.collect();
  for (const error of results.errors) options.log.annotate("error", error);
  for (const complaint of results.complaints) options.log.annotate("error", complaint);
  if (end.kind === "timeout") {
    options.log.annotate(
      "error",
      `The action '${options.name}' has timed out after ${options.timeoutMinutes} minutes.`,
    );
  }
  if (end.kind === "cancelled") options.log.annotate("error", "The operation was canceled.");
  if (end.kind === "exit" && end.code !== 0) {
    options.log.annotate("error", `Process completed with exit code ${end.code}.`);
  }
  return {
    ok: end.kind === "exit" && end.code === 0 && results.errors.length === 0,
    cancelled: end.kind === "cancelled",
    files: results,
  };
}
