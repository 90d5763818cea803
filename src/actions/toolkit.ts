/**
 * The runner's protocol by `@actions/core`, without its entry: that one loads an HTTP client (for an OIDC token that we
 * ask for ourselves) before the first input is read, which doubles an action's start. What escapes, quotes and delimits
 * is the package's own; the names are those of its entry (docs/adr/0008-dependencies.md).
 */
import { EOL } from "node:os";
import { issueCommand } from "../../node_modules/@actions/core/lib/command.js";
import { issueFileCommand, prepareKeyValueMessage } from "../../node_modules/@actions/core/lib/file-command.js";
import { summary } from "../../node_modules/@actions/core/lib/summary.js";
import { toCommandProperties } from "../../node_modules/@actions/core/lib/utils.js";

/** Where an annotation points. */
interface AnnotationPlace {
  readonly title: string;
  readonly file?: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

const annotate =
  (kind: "error" | "warning" | "notice") =>
  (message: string, place?: AnnotationPlace): void =>
    issueCommand(kind, toCommandProperties(place ?? {}), message);

/** What actions say to the runner that runs them. */
export const core = {
  /** An input by its name in action.yml, trimmed; empty if not given. */
  getInput: (name: string): string => (process.env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim(),
  /** For the job's later steps; outside a runner nobody reads it. */
  setOutput(name: string, value: string): void {
    if (process.env["GITHUB_OUTPUT"]) issueFileCommand("OUTPUT", prepareKeyValueMessage(name, value));
  },
  /** For this process and the job's later steps. */
  exportVariable(name: string, value: string): void {
    process.env[name] = value;
    if (process.env["GITHUB_ENV"]) issueFileCommand("ENV", prepareKeyValueMessage(name, value));
  },
  setSecret: (secret: string): void => issueCommand("add-mask", {}, secret),
  debug: (message: string): void => issueCommand("debug", {}, message),
  info: (message: string): void => void process.stdout.write(`${message}${EOL}`),
  error: annotate("error"),
  warning: annotate("warning"),
  notice: annotate("notice"),
  summary,
};
