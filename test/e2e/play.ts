/**
 * A stage with a theatre for one file of tests, on which every test may play. After each test, all secrets that exist
 * by then are searched in everything that its runs left; after the last, nothing may have been asked that is not modelled.
 */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { renderReport } from "../../demo/report.ts";
import { edit, type Stage, type StageOptions, setStage } from "../../demo/stage.ts";
import { openTheatre, type PromoteOptions, type Theatre } from "../../demo/theatre.ts";
import { type RunProcess, runProcess, stopInTime } from "../../simulator/runner/process.ts";
import type { RunnerEvent, RunResult } from "../../simulator/runner/runner.ts";
import { readZip } from "../../simulator/runner/zip.ts";
import { findSecrets } from "../actions/canary.ts";
import { COMPILED } from "../actions/compiled.ts";
import { CONFINED, importing } from "../actions/confined.ts";
import { canBeWarm, openWarmNodes, type WarmNodes } from "../actions/warm.ts";
import { explainUnsaid, jobOf, remember } from "./expect-run.ts";
import { STAGING } from "./jobs.ts";
import { leftOutside } from "./outside.ts";

export type Tier = "dev" | "staging" | "prod";
export const TIERS: readonly Tier[] = ["dev", "staging", "prod"];

export interface Play extends Theatre {
  /** Where a secret of this play can be read in what was left since the last test. */
  leaks(): string[];
  /** What Node is told for each action: to leave loopback alone, and to keep what it printed and wrote. */
  readonly nodeArguments: readonly string[];
  /** What the simulators were asked to write since a moment: `dev POST /api/2.2/jobs/create`. */
  mark(): Mark;
  /** Settings of all jobs and pipelines of a tier by key, with their ids; throws if two have one key. */
  resources(tier: Tier): ReadonlyMap<string, Resource>;
  /**
   * Takes to prod what a run of promote.yml brought to staging, by a caller that has the last job alone: what happens
   * before is that run's, and not done again. Default actor: the author.
   */
  toProd(from: RunResult, options?: Omit<PromoteOptions, "event">): Promise<RunResult>;
  /** The same, without waiting for its end. */
  startToProd(from: RunResult, options?: Omit<PromoteOptions, "event">): ReturnType<Theatre["start"]>;
  /** The end of a run that another one started. */
  ended(run: number): Promise<RunResult>;
  /** What the tier's own ledger says it has. */
  ledger(tier: Tier): { readonly release: { readonly digest: string; readonly commit: string } };
}

export interface Mark {
  /** Writes to jobs, pipelines and files, by anybody, in these tiers (default: all). */
  writes(...tiers: readonly Tier[]): readonly string[];
}

export interface Resource {
  readonly id: string;
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

interface PlayOptions extends StageOptions {
  /** Actions keep compiled code in their job's folder as on a real runner, where the search for secrets comes, too. */
  readonly keepsOwnCode?: boolean;
  /** Runs log all that they can ever log. */
  readonly debug?: boolean;
  /** Told what the runs of a test that failed had to say, where its own error does not. Default: stderr. */
  readonly onFailure?: (explanation: string) => void;
}

/** Opens the play for a file of tests. Only its functions may be used, and only in tests and hooks. */
export function openPlay(options: PlayOptions = {}): Play {
  let stage: Stage | undefined;
  let theatre: Theatre | undefined;
  let tapFolder = "";
  /** Of the last search. */
  let since = Date.now();
  let nodeArguments: readonly string[] = [];
  const runs: RunResult[] = [];
  let ofThisTest: RunResult[] = [];
  const ends = new Map<number, PromiseWithResolvers<RunResult>>();
  const endOf = (run: number): PromiseWithResolvers<RunResult> => {
    const end = ends.get(run) ?? Promise.withResolvers<RunResult>();
    ends.set(run, end);
    return end;
  };
  const begun = new Map<number, { databricks: number; github: number }>();

  const onEvent = (event: RunnerEvent): void => {
    if (stage === undefined) return;
    const { databricks, github } = stage;
    if (event.type === "run-start") {
      begun.set(event.run, { databricks: databricks.requests.length, github: github.requests.length });
    }
    if (event.type === "run-end") {
      const from = begun.get(event.run) ?? { databricks: 0, github: 0 };
      runs.push(event.result);
      ofThisTest.push(event.result);
      endOf(event.run).resolve(event.result);
      remember(event.result, () => [
        ...databricks.requests.slice(from.databricks).filter(mattered).map(lineOf),
        ...github.requests.slice(from.github).filter(mattered).map(lineOf),
      ]);
    }
  };

  beforeAll(async () => {
    since = Date.now();
    tapFolder = mkdtempSync(join(tmpdir(), "four-tier-tap-"));
    stage = await setStage({
      ...options,
      example: (path) => {
        copyCaller("soak", TO_PROD, path);
        options.example?.(path);
      },
    });
    nodeArguments = [...CONFINED, ...importing([`${TAP}?folder=${tapFolder}`])];
    theatre = openTheatre(stage, {
      onEvent,
      nodeArguments,
      runNode: runWarm(tapFolder),
      ...(options.keepsOwnCode === true ? {} : { environment: COMPILED }),
      debug: options.debug === true,
    });
  });
  const opened = (): Theatre & { readonly stage: Stage } => {
    if (theatre === undefined) throw new Error("The play opens with the first test");
    return theatre;
  };
  const leaks = (): string[] => {
    const taps = readTaps(tapFolder);
    const from = since;
    since = Date.now();
    const places = { ...taps, ...leftOutside(from), ...placesOf(runs), ...worldOf(opened().stage) };
    const refused = Object.entries(taps).filter(([, text]) => text.includes("loopback-only: refused"));
    runs.length = 0;
    return [...findSecrets(places, secretsOf(opened().stage)), ...refused.map(([place]) => `${place}: left loopback`)];
  };
  beforeEach(({ onTestFailed }) => {
    ofThisTest = [];
    onTestFailed(({ task }) => {
      const said = explainUnsaid(ofThisTest, task.result?.errors ?? []);
      if (said !== "") (options.onFailure ?? ((text) => process.stderr.write(`${text}\n`)))(said);
    });
  });
  afterEach(() => {
    const acted = runs.some((run) => run.jobs.some((job) => job.steps.length > 2));
    if (acted) expect(readdirSync(tapFolder)).not.toEqual([]);
    expect(leaks()).toEqual([]);
  });
  afterAll(async () => {
    const unmodelled = stage === undefined ? [] : [...stage.databricks.unmodelled, ...stage.github.unmodelled];
    await theatre?.close();
    await stage?.close();
    rmSync(tapFolder, { recursive: true, force: true });
    expect(unmodelled).toEqual([]);
  });

  const startToProd: Play["startToProd"] = (from, { inputs, ...rest } = {}) => {
    const { head, outputs } = { head: headOf(opened().stage, from), outputs: jobOf(from, STAGING).outputs };
    return opened().start({
      workflow: TO_PROD,
      ...rest,
      event: "workflow_dispatch",
      inputs: {
        commit: head,
        "release-digest": outputs["release-digest"] ?? "",
        artifacts: jobOf(from, BUILD).outputs["artifacts"] ?? "",
        "artifacts-run": String(from.id),
        ...inputs,
      },
    });
  };
  const own = {
    leaks,
    startToProd,
    toProd: async (...args: Parameters<Play["toProd"]>) => (await startToProd(...args)).done,
    get nodeArguments() {
      return nodeArguments;
    },
    ended: (run: number) => endOf(run).promise,
    mark: (): Mark => {
      const { databricks } = opened().stage;
      const from = databricks.requests.length;
      return {
        writes: (...tiers) =>
          databricks.requests
            .slice(from)
            .filter(({ server }) => tiers.length === 0 || tiers.some((tier) => tier === server))
            .filter(isWrite)
            .map(({ server, method, path }) => `${server} ${method} ${path}`),
      };
    },
    ledger: (tier: Tier) => {
      const { databricks } = opened().stage;
      const folder = `/Users/${databricks.credentials(`ml-pipelines-${tier}`).clientId}/.four-tier/ml-pipelines/${tier}`;
      const bytes = databricks.world.readFile(tier, `${folder}/ledger.json`);
      if (bytes === undefined) throw new Error(`${tier} has no ledger in ${folder}`);
      return JSON.parse(Buffer.from(bytes).toString()) as ReturnType<Play["ledger"]>;
    },
    resources: (tier: Tier): ReadonlyMap<string, Resource> => {
      const { world } = opened().stage.databricks;
      const jobs = world.jobs(tier).map(({ id, settings }) => ({ id: String(id), settings }));
      const pipelines = world.pipelines(tier).map(({ id, spec }) => ({ id, settings: spec }));
      const found = [...jobs, ...pipelines].map(({ id, settings }): [string, Resource] => {
        const tags = settings["tags"] as Readonly<Record<string, string>> | undefined;
        const name = settings["name"] as string;
        return [tags?.["four_tier_key"] ?? `by hand: ${name}`, { id, name, settings }];
      });
      const keys = new Map(found);
      if (keys.size !== found.length)
        throw new Error(`Two resources of ${tier} have one key: ${[...keys.keys()].join()}`);
      return keys;
    },
  };
  return new Proxy(own as Play, {
    get: (target, name) => Reflect.get(name in target ? target : opened(), name) as unknown,
  });
}

const TAP = `file://${resolve("test/e2e/tap.ts")}`;

/** For all plays of a process of tests. */
let warm: WarmNodes | undefined;

/** Runs an action of a job in a process that has run others; what it leaves is kept in the folder. */
function runWarm(keepIn: string): RunProcess {
  warm ??= openWarmNodes([...CONFINED, ...importing([TAP])], TAP);
  const nodes = warm;
  return async (options) => {
    const { args, cwd, env, onLine } = options;
    if (!canBeWarm(env)) return runProcess(options);
    const { child, ended } = nodes.start({ script: args.at(-1) ?? "", cwd, env, keepIn }, onLine);
    const deadline = stopInTime(child, options);
    const code = await ended;
    deadline.over();
    return deadline.end(code ?? 1);
  };
}

const BUILD = "deploy-to-dev / build";
const TO_PROD = "promote-to-prod.yml";

/** A caller of another example, pinned as the stage's others are; it takes the place of one of the same name. */
export function copyCaller(example: string, file: string, path: (file: string) => string): void {
  const pin = /@([0-9a-f]{40}) # a release/.exec(readFileSync(path(".github/workflows/validate.yml"), "utf8"))?.[1];
  if (pin === undefined) throw new Error("validate.yml has no pin");
  const own = path(`.github/workflows/${file}`);
  copyFileSync(`examples/${example}/.github/workflows/${file}`, own);
  edit(own, (text) => text.replaceAll("0".repeat(40), pin));
}

/** The commit of a run. */
function headOf({ github }: Stage, { id }: RunResult): string {
  const run = github.world.runs.find((one) => one.id === id);
  if (run === undefined) throw new Error(`GitHub has no run ${id}`);
  return run.headSha;
}

interface Asked {
  readonly server: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly principal?: string | undefined;
}

/** Jobs, pipelines, files, and the access to them. */
function isWrite({ method, path }: Pick<Asked, "method" | "path">): boolean {
  return method !== "GET" && /^\/api\/2\.\d\/(jobs|pipelines|workspace|workspace-files|permissions)\b/.test(path);
}

/** That something is not there is an answer like others: every look asks for what may not be there yet. */
const mattered = (request: Asked): boolean =>
  request.status === 0 || (request.status >= 400 && request.status !== 404) || isWrite(request);

function lineOf({ server, method, path, status, principal }: Asked): string {
  return `  ${status} ${server} ${method} ${path}${principal === undefined ? "" : ` by ${principal}`}`;
}

function secretsOf({ databricks, github }: Stage): string[] {
  return [...new Set([...databricks.secrets(), ...github.secrets()])].filter((secret) => secret.length >= 8);
}

/** What the actions printed and wrote, unmasked; the files are gone then. */
function readTaps(folder: string): Record<string, string> {
  const places: Record<string, string> = {};
  for (const name of readdirSync(folder)) {
    const tap = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
      action: string;
      places: Record<string, string>;
    };
    // How the runner is told what to mask is the one place where a secret must stand.
    for (const [place, text] of Object.entries(tap.places)) {
      places[`${tap.action} ${name} ${place}`] = text.replaceAll(/^::add-mask::.*$/gm, "");
    }
    rmSync(join(folder, name));
  }
  return places;
}

/** What a person sees of the runs: logs, summaries, annotations, outputs; and the demo's report of them. */
function placesOf(runs: readonly RunResult[]): Record<string, string> {
  const jobs = runs.flatMap((run) => run.jobs);
  const scene = { name: "", story: "", expected: "", actual: "", ok: true, jobs };
  return Object.fromEntries([
    ...runs.map((run): [string, string] => [`run ${run.id}.${run.attempt}`, JSON.stringify(run)]),
    ...runs.flatMap((run) =>
      run.jobs.flatMap((job) =>
        job.steps.map((step): [string, string] => [`run ${run.id}.${run.attempt} ${job.name} ${step.name}`, step.log]),
      ),
    ),
    ["the demo's report", renderReport([scene], "")],
  ]);
}

/** What is in an archive is deflated: it is searched unpacked. */
const textOfEntry = ({ path, bytes }: { readonly path: string; readonly bytes: Buffer }): string =>
  `${path}\n${bytes.toString("latin1")}`;

/** What stands in the two services: records on GitHub; files, jobs and pipelines in the workspaces; paths and queries. */
function worldOf({ databricks, github }: Stage): Record<string, string> {
  const { deployments, issues, comments, statuses, artifacts } = github.world;
  const places: Record<string, string> = {
    deployments: JSON.stringify(deployments),
    issues: JSON.stringify(issues),
    comments: JSON.stringify(comments),
    statuses: JSON.stringify(statuses),
    artifacts: artifacts.flatMap(({ name, zip }) => [name, ...readZip(zip).map(textOfEntry)]).join("\n"),
    "requests to Databricks": JSON.stringify(databricks.requests),
    "requests to GitHub": JSON.stringify(github.requests),
    "headers to Databricks": [...databricks.headers].join("\n"),
    "headers to GitHub": [...github.headers].join("\n"),
    ...databricks.world.notes(),
  };
  for (const workspace of Object.keys(databricks.workspaces)) {
    const { world } = databricks;
    for (const path of world.files(workspace)) {
      places[`${workspace}${path}`] = Buffer.from(world.readFile(workspace, path) ?? []).toString("latin1");
    }
    places[`${workspace}'s jobs`] = JSON.stringify(world.jobs(workspace).map(({ settings }) => settings));
    places[`${workspace}'s pipelines`] = JSON.stringify(world.pipelines(workspace).map(({ spec }) => spec));
  }
  return places;
}
