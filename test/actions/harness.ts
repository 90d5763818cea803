/**
 * Runs a built action as a runner does: a child process with inputs as variables, fresh files for its commands, and
 * nothing reachable but loopback. What it left is searched for every secret it was given.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { expect, onTestFinished } from "vitest";
import { parse } from "yaml";
import { lines } from "../../simulator/runner/process.ts";
import { findSecrets } from "./canary.ts";
import { COMPILED } from "./compiled.ts";
import { CONFINED, importing } from "./confined.ts";
import { canBeWarm, openWarmNodes, type WarmNodes } from "./warm.ts";

export interface ActionOptions {
  /** By their names in action.yml, which gives the defaults; an unknown one is refused. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The checked-out repository. */
  readonly workspace: string;
  /** The commit the run is for. Default: forty zeros. */
  readonly sha?: string;
  readonly ref?: string;
  /** Default: push. */
  readonly event?: string;
  readonly payload?: unknown;
  /** Default: acme/ml-pipelines. */
  readonly repository?: string;
  /** GITHUB_API_URL; default: a port of this machine where nobody listens. */
  readonly apiUrl?: string;
  /** Job token, the default of `github-token`. */
  readonly githubToken?: string;
  /** Present if the job has `id-token: write`. */
  readonly oidc?: { readonly url: string; readonly token: string };
  /** More variables, or other values for those above; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Every secret that exists in this test, beside what the run itself is given (the job's tokens, a proxy's password);
   * asked for after the run, so that tokens given out meanwhile count too.
   */
  readonly secrets: readonly string[] | (() => readonly string[]);
  /** Secrets that the action was asked to export: the only place where they may stand is GITHUB_ENV. */
  readonly exported?: readonly string[];
  /** Called with each line of stdout while the action runs; `kill` sends it a signal. */
  readonly onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void;
  readonly timeoutMs?: number;
  /** Modules loaded into the action's process before it, as URLs. */
  readonly preload?: readonly string[];
}

export interface Annotation {
  readonly level: "error" | "warning" | "notice";
  readonly title: string | undefined;
  readonly file: string | undefined;
  readonly line: string | undefined;
  readonly message: string;
}

export interface ActionRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** What later steps get from GITHUB_ENV. */
  readonly env: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
  /** Everything that was masked with add-mask. */
  readonly masked: readonly string[];
  /** The JSON report, parsed; undefined if there is none. */
  readonly report: unknown;
}

/** Runs `action-<name>` from dist/. Fails the test if a secret can be read anywhere or anything but loopback was called. */
export async function runAction(name: string, options: ActionOptions): Promise<ActionRun> {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-action-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const at = (file: string): string => join(folder, file);
  const files = { output: at("output"), env: at("env"), state: at("state"), path: at("path"), summary: at("summary") };
  for (const file of Object.values(files)) writeFileSync(file, "");
  for (const sub of ["temp", "home"]) mkdirSync(at(sub));
  writeFileSync(at("event.json"), JSON.stringify(options.payload ?? {}));

  const variables: Record<string, string | undefined> = {
    ...COMPILED,
    PATH: process.env["PATH"],
    HOME: at("home"),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GITHUB_ACTIONS: "true",
    CI: "true",
    GITHUB_REPOSITORY: options.repository ?? "acme/ml-pipelines",
    GITHUB_SHA: options.sha ?? "0".repeat(40),
    GITHUB_REF: options.ref ?? "refs/heads/main",
    GITHUB_EVENT_NAME: options.event ?? "push",
    GITHUB_EVENT_PATH: at("event.json"),
    GITHUB_ACTOR: "octocat",
    GITHUB_TRIGGERING_ACTOR: "octocat",
    GITHUB_RUN_ID: "42",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "deploy",
    GITHUB_WORKFLOW_REF: "acme/ml-pipelines/.github/workflows/promote.yml@refs/heads/main",
    GITHUB_WORKSPACE: options.workspace,
    GITHUB_API_URL: options.apiUrl ?? "http://127.0.0.1:9",
    GITHUB_SERVER_URL: "https://github.com",
    RUNNER_TEMP: at("temp"),
    GITHUB_OUTPUT: files.output,
    GITHUB_ENV: files.env,
    GITHUB_STATE: files.state,
    GITHUB_PATH: files.path,
    GITHUB_STEP_SUMMARY: files.summary,
    ...(options.oidc === undefined
      ? {}
      : { ACTIONS_ID_TOKEN_REQUEST_URL: options.oidc.url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: options.oidc.token }),
    ...inputVariables(name, options),
    ...options.env,
  };
  const { exitCode, stdout, stderr } = await runNode(name, options, variables);

  const read = (file: string): string => readFileSync(file, "utf8");
  const named = typeof options.secrets === "function" ? options.secrets() : options.secrets;
  const secrets = [...new Set([...named, ...givenTo(options)])];
  const shown = stdout.replaceAll(/^::add-mask::.*$/gm, "");
  const places: Record<string, string> = { stdout: shown, stderr };
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    if (file.isFile() && path !== files.env) places[relative(folder, path)] = read(path);
  }
  const exported = new Set(options.exported);
  expect(findSecrets(places, secrets)).toEqual([]);
  expect(
    findSecrets(
      { GITHUB_ENV: read(files.env) },
      secrets.filter((secret) => !exported.has(secret)),
    ),
  ).toEqual([]);
  expect(stderr).not.toContain("loopback-only: refused");

  const annotations = annotationsOf(stdout);
  // People are shown times one way, in words; ISO is for reports, and for a token's claims.
  const shownToPeople = [read(files.summary), ...annotations.map(({ message }) => message)].join("\n");
  expect(shownToPeople.match(/.{0,60}(?<!issued |expires )\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}.{0,40}/g)).toBeNull();

  const outputs = parseFileCommands(read(files.output));
  const reportPath = outputs["report"];
  return {
    exitCode,
    stdout,
    stderr,
    outputs,
    env: parseFileCommands(read(files.env)),
    summary: read(files.summary),
    annotations,
    masked: [...stdout.matchAll(/^::add-mask::(.*)$/gm)].map((match) => unescape(match[1] ?? "")),
    report: reportPath === undefined ? undefined : (JSON.parse(read(reportPath)) as unknown),
  };
}

/** The secrets among what a run is given, whatever its test thinks of. */
function givenTo({ githubToken, oidc, env }: ActionOptions): string[] {
  const proxies = ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"].map((name) => env?.[name] ?? "");
  const passwords = proxies.flatMap((proxy) => (URL.canParse(proxy) ? [new URL(proxy).password] : []));
  const secrets = [githubToken, oidc?.token, ...passwords, ...passwords.map(decodeURIComponent)];
  return secrets.filter((secret): secret is string => secret !== undefined && secret.length >= 8);
}

/** `client-secret` becomes INPUT_CLIENT-SECRET; what is not given has action.yml's default (facts: github 1). */
function inputVariables(name: string, options: ActionOptions): Record<string, string> {
  const manifest = parse(readFileSync(`action-${name}/action.yml`, "utf8")) as {
    inputs?: Record<string, { default?: unknown }>;
  };
  const declared = manifest.inputs ?? {};
  const unknown = Object.keys(options.inputs).filter((input) => !(input in declared));
  if (unknown.length > 0) throw new Error(`action-${name} has no input ${unknown.join(", ")}`);
  const variables: Record<string, string> = {};
  for (const [input, { default: value = "" }] of Object.entries(declared)) {
    const filled = String(value).replace("${{ github.token }}", options.githubToken ?? "");
    if (filled.includes("${{")) throw new Error(`the harness does not know the default of ${input}: ${filled}`);
    variables[`INPUT_${input.replaceAll(" ", "_").toUpperCase()}`] = options.inputs[input] ?? filled;
  }
  return variables;
}

/** For all files of tests that share a process. */
let warm: WarmNodes | undefined;

async function runNode(
  name: string,
  options: ActionOptions,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const printed = { stdout: "", stderr: "" };
  const onLine = (line: string, stream: "stdout" | "stderr"): void => {
    printed[stream] += `${line}\n`;
    if (stream === "stdout") options.onLine?.(line, (signal) => child.kill(signal));
  };
  const env = Object.fromEntries(
    Object.entries(variables).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  const action = { script: resolve(`action-${name}/main.js`), cwd: options.workspace, env };
  warm ??= openWarmNodes(CONFINED);
  const isWarm = options.preload === undefined && canBeWarm(env);
  const { child, ended } = isWarm ? warm.start(action, onLine) : startNode(action, options.preload ?? [], onLine);
  const late = setTimeout(() => child.kill(), options.timeoutMs ?? 30_000);
  const exitCode = await ended;
  clearTimeout(late);
  return { exitCode, ...printed };
}

/** A process of its own. */
const startNode = (
  { script, cwd, env }: Parameters<WarmNodes["start"]>[0],
  preloads: readonly string[],
  onLine: Parameters<WarmNodes["start"]>[1],
): ReturnType<WarmNodes["start"]> => {
  const child = spawn(process.execPath, [...CONFINED, ...importing(preloads), script], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  lines(child.stdout, (line) => onLine(line, "stdout"));
  lines(child.stderr, (line) => onLine(line, "stderr"));
  const ended = new Promise<number | null>((done, failed) => {
    child.once("error", failed);
    child.once("close", done);
  });
  return { child, ended };
};

/** `name=value`, or `name<<END` up to a line `END`, as a runner reads them; anything else is an error there, too. */
function parseFileCommands(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    if (line === "") continue;
    const heredoc = /^([^=]+?)<<(.+)$/.exec(line);
    if (heredoc?.[1] !== undefined) {
      const end = lines.indexOf(heredoc[2] ?? "", index + 1);
      if (end < 0) throw new Error(`no end of ${heredoc[1]} in a file command`);
      values[heredoc[1]] = lines.slice(index + 1, end).join("\n");
      index = end;
      continue;
    }
    const split = line.indexOf("=");
    if (split < 1) throw new Error(`not a file command: ${line}`);
    values[line.slice(0, split)] = line.slice(split + 1);
  }
  return values;
}

function annotationsOf(stdout: string): Annotation[] {
  return [...stdout.matchAll(/^::(error|warning|notice)(?: (.*?))?::(.*)$/gm)].map(([, level, properties, message]) => {
    const property = (key: string): string | undefined => {
      const found = new RegExp(`(?:^|,)${key}=([^,]*)`).exec(properties ?? "")?.[1];
      return found === undefined ? undefined : unescape(found);
    };
    return {
      level: level as Annotation["level"],
      title: property("title"),
      file: property("file"),
      line: property("line"),
      message: unescape(message ?? ""),
    };
  });
}

/** Workflow commands escape what would end them. */
function unescape(value: string): string {
  return value
    .replaceAll("%0D", "\r")
    .replaceAll("%0A", "\n")
    .replaceAll("%3A", ":")
    .replaceAll("%2C", ",")
    .replaceAll("%25", "%");
}
