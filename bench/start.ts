/**
 * How long an action takes until its first request leaves, and until it has refused an input, beside Node alone and beside
 * one request alone; and how long other actions, given by path, take to their end.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { bundle } from "../scripts/bundle.ts";
import { median, round, timed } from "./measure.ts";
import { makeProject } from "./project.ts";

const WARM_UP = 3;
/** What an action's main.js keeps compiled code in, below RUNNER_TEMP. */
const COMPILED = "four-tier-code";
const SECRET = "bench-dose-1";

interface Start {
  /** That nothing is wrong with, so that the first thing that goes wrong is an answer. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The one error that it ends with when its first request is refused: any other means that it came to none. */
  readonly ends: string;
  /** An input that takes no such value: it ends with `input/<name>`. */
  readonly refuses: string;
}

const NO_VALUE = "perhaps";

const STARTS: Readonly<Record<string, Start>> = {
  "action-setup-env": { inputs: { tier: "dev" }, ends: "databricks/refused", refuses: "provision" },
  "action-promote": { inputs: { tier: "dev", mode: "promote" }, ends: "databricks/refused", refuses: "deep" },
  "action-validate-grants": { inputs: { tier: "dev", mode: "check" }, ends: "databricks/refused", refuses: "record" },
  "action-pause-pipelines": { inputs: { tier: "dev", mode: "enforce" }, ends: "databricks/refused", refuses: "strict" },
  "action-clean-sandboxes": { inputs: {}, ends: "github/credentials", refuses: "dry-run" },
  "action-report-drift": {
    inputs: { results: `{"dev": {"result": "success", "outputs": {}}}` },
    ends: "github/credentials",
    refuses: "about",
  },
};

const STEPS = ["first", "later", "refused"] as const;
type Step = (typeof STEPS)[number];

interface StartFigures {
  readonly name: "start";
  readonly rounds: number;
  /** Milliseconds of `node -e 0`. */
  readonly floor: number;
  /** One request by the HTTP client of the actions, and nothing else: no action can be quicker. */
  readonly request: { readonly first: StartTime; readonly later: StartTime };
  readonly actions: readonly {
    readonly action: string;
    /** The first step of a job: no compiled code is kept yet. */
    readonly first: StartTime;
    /** Any later step. */
    readonly later: StartTime;
    /** A later step, to the end of an action that refuses an input; of other actions as `later`. */
    readonly refused: StartTime;
  }[];
}

interface StartTime {
  readonly milliseconds: number;
  /** Of the median of `node -e 0` in the same run. */
  readonly ratio: number;
}

/**
 * Each of our actions as a runner starts it, on a small project, until a server has its first request: everything
 * that comes before is loaded, read and checked. All take turns, so that a busy machine slows all alike.
 */
export async function start(others: readonly string[], rounds: number): Promise<StartFigures> {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-bench-"));
  const server = await listen();
  try {
    const project = makeProject(join(folder, "project"), server.url, "11111111-1111-4111-8111-111111111111", {
      jobs: 5,
      pipelines: 5,
      files: 25,
    });
    const env = {
      ...runnerEnvironment(folder),
      GITHUB_SHA: project.git("rev-parse", "HEAD"),
      GITHUB_WORKSPACE: project.folder,
      GITHUB_API_URL: server.url,
    };
    const own = readdirSync(".").filter((name) => name.startsWith("action-"));
    const times = new Map<string, number[]>();
    const keep = (name: string, seconds: number, counts: boolean): void => {
      if (counts) times.set(name, [...(times.get(name) ?? []), seconds * 1000]);
    };
    const untilAsked = async (script: string, env: Record<string, string | undefined>) => {
      const started = performance.now();
      const asked = server.next();
      const ended = await timed({ file: process.execPath, args: [script], env, cwd: project.folder });
      return { ...ended, asked: asked.then((at) => (at - started) / 1000) };
    };
    const bare = makeBare(join(folder, "bare"));
    const request = async (step: Exclude<Step, "refused">, counts: boolean): Promise<void> => {
      const { code, text, asked } = await untilAsked(bare, env);
      if (code !== 0) throw new Error(`One request alone failed:\n${text}`);
      keep(`${step} request`, await asked, counts);
    };
    const ours = async (step: Step, action: string, counts: boolean): Promise<void> => {
      const start = STARTS[action];
      if (start === undefined) throw new Error(`The bench knows no inputs of ${action}`);
      const given = {
        "github-token": "bench-token-1",
        "client-secret": SECRET,
        "allowed-hosts": "127.0.0.1",
        ...start.inputs,
        ...(step === "refused" ? { [start.refuses]: NO_VALUE } : {}),
      };
      const variables = Object.entries(given).map(([name, value]): [string, string] => [
        `INPUT_${name.toUpperCase()}`,
        value,
      ]);
      const { text, seconds, asked } = await untilAsked(resolve(action, "main.js"), {
        ...env,
        ...actionDefaults(action),
        ...Object.fromEntries<string>(variables),
      });
      const errors = [...text.matchAll(/^::error title=([^,:]+)/gm)].map(([, id]) => id);
      const ends = step === "refused" ? `input/${start.refuses}` : start.ends;
      if (errors.join() !== ends) {
        throw new Error(`${action} ended with ${errors.join(", ")}, not with ${ends} alone:\n${text}`);
      }
      keep(`${step} ${action}`, step === "refused" ? seconds : await asked, counts);
    };
    for (let round_ = -WARM_UP; round_ < rounds; round_ += 1) {
      const counts = round_ >= 0;
      keep("node", (await timed({ file: process.execPath, args: ["-e", "0"], env, cwd: folder })).seconds, counts);
      rmSync(join(folder, COMPILED), { recursive: true, force: true });
      await request("first", counts);
      await request("later", counts);
      for (const action of own) {
        rmSync(join(folder, COMPILED), { recursive: true, force: true });
        await ours("first", action, counts);
        await ours("later", action, counts);
        await ours("refused", action, counts);
      }
      for (const path of others) {
        for (const step of STEPS) {
          const { seconds } = await timed({ file: process.execPath, args: [resolve(path)], env, cwd: folder });
          keep(`${step} ${path}`, seconds, counts);
        }
      }
    }
    const floor = median(times.get("node") ?? []);
    const time = (name: string): StartTime => {
      const milliseconds = median(times.get(name) ?? []);
      return { milliseconds: round(milliseconds), ratio: round(milliseconds / floor) };
    };
    const actions = [...own, ...others].map((action) => ({
      action,
      first: time(`first ${action}`),
      later: time(`later ${action}`),
      refused: time(`refused ${action}`),
    }));
    const alone = { first: time("first request"), later: time("later request") };
    return { name: "start", rounds, floor: round(floor), request: alone, actions };
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An action that sends one request: its main.js, bundle and kept code are made as ours are. Gives its script. */
function makeBare(folder: string): string {
  for (const name of ["action", "source"]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const entry = join(folder, "source", "index.js");
  writeFileSync(
    entry,
    `import { Agent, request } from ${JSON.stringify(resolve("build/http/undici.js"))};
export const run = async () => {
  const { body } = await request(new URL(process.env.GITHUB_API_URL), { method: "GET", dispatcher: new Agent({ allowH2: false }) });
  await body.dump();
};
`,
  );
  bundle(entry, join(folder, "dist"), { quiet: true });
  copyFileSync("action-setup-env/main.js", join(folder, "action", "main.js"));
  return join(folder, "action", "main.js");
}

/** Tells everybody that they may not, and when the next request came. */
async function listen(): Promise<{ readonly url: string; next(): Promise<number>; close(): void }> {
  let waiting: ((at: number) => void) | undefined;
  const server = createServer((_request, response) => {
    waiting?.(performance.now());
    waiting = undefined;
    response.writeHead(401, { "content-type": "application/json" }).end('{"message": "no"}');
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: () => new Promise((resolve) => (waiting = resolve)),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a runner sets, for a run that reaches nothing. */
export function runnerEnvironment(folder: string): Record<string, string | undefined> {
  for (const file of ["output", "env", "summary"]) writeFileSync(join(folder, file), "");
  return {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GITHUB_REPOSITORY: "acme/bench",
    GITHUB_SHA: "0".repeat(40),
    GITHUB_REF: "refs/heads/main",
    GITHUB_EVENT_NAME: "push",
    GITHUB_ACTOR: "octocat",
    GITHUB_RUN_ID: "1",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "bench",
    GITHUB_WORKFLOW_REF: "acme/bench/.github/workflows/promote.yml@refs/heads/main",
    GITHUB_WORKSPACE: folder,
    GITHUB_API_URL: "http://127.0.0.1:9",
    RUNNER_TEMP: folder,
    GITHUB_OUTPUT: join(folder, "output"),
    GITHUB_ENV: join(folder, "env"),
    GITHUB_STEP_SUMMARY: join(folder, "summary"),
  };
}

/** Defaults of an action.yml, as a runner hands them over. */
export function actionDefaults(action: string): Record<string, string> {
  const { inputs } = parse(readFileSync(join(action, "action.yml"), "utf8")) as {
    inputs: Record<string, { default?: string }>;
  };
  const given = Object.entries(inputs).filter(
    ([, { default: value }]) => value !== undefined && !value.includes("${{"),
  );
  return Object.fromEntries(given.map(([name, { default: value }]) => [`INPUT_${name.toUpperCase()}`, String(value)]));
}
