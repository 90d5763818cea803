/**
 * What an action says to its runner: workflow commands on standard output, and the files that the runner names in the
 * environment (facts: github 1). In the suite's own words, because @actions/core brings an HTTP client along, and that
 * alone is three times the start of Node (docs/bench.md).
 */
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { EOL } from "node:os";

/** Where a finding is shown in the change. */
export interface AnnotationPlace {
  readonly title?: string;
  readonly file?: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

/** An input by its name in action.yml, trimmed; empty if not given. */
export function getInput(name: string): string {
  return (process.env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim();
}

export function info(message: string): void {
  process.stdout.write(message + EOL);
}

export function debug(message: string): void {
  command("debug", {}, message);
}

export function notice(message: string, place: AnnotationPlace = {}): void {
  command("notice", propertiesOf(place), message);
}

export function warning(message: string, place: AnnotationPlace = {}): void {
  command("warning", propertiesOf(place), message);
}

export function error(message: string, place: AnnotationPlace = {}): void {
  command("error", propertiesOf(place), message);
}

/** From here on, this text shows as *** in the log. */
export function setSecret(value: string): void {
  command("add-mask", {}, value);
}

/** For later steps; started by hand, without a runner, there are none. */
export function setOutput(name: string, value: string): void {
  if (!process.env["GITHUB_OUTPUT"]) return;
  appendTo("GITHUB_OUTPUT", entry(name, value));
}

/** For this process and for later steps. Throws if the runner named no file for variables. */
export function exportVariable(name: string, value: string): void {
  process.env[name] = value;
  appendTo("GITHUB_ENV", entry(name, value));
}

/** Adds to the job's summary. Throws if the runner named no file for it. */
export function addSummary(markdown: string): void {
  appendTo("GITHUB_STEP_SUMMARY", markdown + EOL);
}

/** `name<<delimiter`, the value on lines of its own, and the delimiter, which the value cannot contain. */
function entry(name: string, value: string): string {
  const delimiter = `ghadelimiter_${randomUUID()}`;
  if (name.includes(delimiter) || value.includes(delimiter)) throw new Error("A value contains the delimiter");
  return [`${name}<<${delimiter}`, value, delimiter, ""].join(EOL);
}

function appendTo(variable: "GITHUB_OUTPUT" | "GITHUB_ENV" | "GITHUB_STEP_SUMMARY", content: string): void {
  const path = process.env[variable];
  if (path === undefined || path === "") throw new Error(`The runner gave no ${variable}`);
  appendFileSync(path, content, "utf8");
}

function command(name: string, properties: Readonly<Record<string, string>>, message: string): void {
  const given = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(value)}`);
  process.stdout.write(`::${name}${given.length === 0 ? "" : ` ${given.join(",")}`}::${escapeData(message)}${EOL}`);
}

function propertiesOf({ title, file, startLine, startColumn }: AnnotationPlace): Record<string, string> {
  return {
    ...(title === undefined ? {} : { title }),
    ...(file === undefined ? {} : { file }),
    ...(startLine === undefined ? {} : { line: String(startLine) }),
    ...(startColumn === undefined ? {} : { col: String(startColumn) }),
  };
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
