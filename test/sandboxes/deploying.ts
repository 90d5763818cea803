/** Developers at work: an estate with their sandboxes, a repository of branches, deployments to sandboxes and their end. */
import { afterAll } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { connect, type Workspace } from "../../src/databricks/workspace.ts";
import { FourTierError, isFailure } from "../../src/findings.ts";
import { known } from "../../src/gate/facts.ts";
import { openGit } from "../../src/git.ts";
import { promote } from "../../src/promote.ts";
import { provision } from "../../src/provision.ts";
import { candidateOf } from "../../src/release/candidate.ts";
import type { ActionResult } from "../../src/report/report.ts";
import { type WantedQuestion, whyNotWanted } from "../../src/sandboxes/still-wanted.ts";
import { type TeardownResult, teardown } from "../../src/teardown.ts";
import { type Account, APPLICATION } from "../account.ts";
import { goodFacts } from "../gate/facts.ts";
import { FILES } from "../promotion-files.ts";
import { newRepository, type Repository, removeFolders } from "../repository.ts";
import { QUIET, RUN } from "../run.ts";
import { estate, NOW, SANDBOX_APPLICATION, USERS } from "./estate.ts";

afterAll(removeFolders);

/** What GitHub says of a deployment's pull request and branch, asked under the lock. */
type Asked = Partial<Pick<WantedQuestion, "branch" | "branchOf" | "pull">>;

export interface Developers {
  readonly account: Account;
  readonly repository: Repository;
  /** A branch from main with a change, as a pull request's commit; gives the commit. */
  readonly branch: (name: string, files: Readonly<Record<string, string>>) => string;
  readonly deploy: (login: string, commit: string, run?: string, more?: Asked) => Promise<ActionResult>;
  readonly teardown: (
    login: string,
    options?: {
      readonly branch?: string;
      readonly deployed?: string | ((run: string) => string);
      readonly onLine?: (line: string) => void;
    },
  ) => Promise<TeardownResult>;
  /** As the sandbox's principal. */
  readonly sandbox: () => Workspace;
  /** Names of all jobs and pipelines in dev's workspace, sorted. */
  readonly names: () => string[];
  /** Files below the sandbox principal's folder of a developer. */
  readonly files: (developer: string) => string[];
}

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const CONTRACT = FILES["four-tier.yml"] ?? "";
const COMPONENTS = CONTRACT.slice(CONTRACT.indexOf("components:")).replace("jobs.watch]", "jobs.watch, jobs.stream]");
/** A job that waits for tables, besides those of the fixture: everything that starts by itself must be paused. */
const BUNDLE = `${(FILES["databricks.yml"] ?? "").replace("continuous: false", "continuous: true")}    stream:
      name: stream
      continuous: { task_retry_mode: NEVER }
      tasks: [{ task_key: t, notebook_task: { notebook_path: src/scoring/score.py } }]
`;

/** Everybody's sandbox is provisioned. */
export async function developers(more: Partial<DatabricksScenario> = {}): Promise<Developers> {
  const account = await estate(more, { tail: `${USERS}${COMPONENTS}`, dev: `, client_id: "${APPLICATION.dev}"` });
  await provision({
    workspace: account.connect("dev"),
    contract: account.contract,
    principal: APPLICATION.dev,
    workspaceId: "1111111111111111",
    logins: undefined,
    now: account.simulator.now(),
    pause,
    log: QUIET,
  });
  const repository = newRepository({
    ...FILES,
    "four-tier.yml": account.contractText,
    "databricks.yml": BUNDLE,
  });
  const git = openGit(repository.folder);
  let runs = 500;
  const sandbox = (): Workspace =>
    connect({
      host: account.simulator.workspaces["dev"]?.url ?? "",
      credentials: { kind: "secret", ...account.simulator.credentials("ml-pipelines-sandbox") },
      log: QUIET,
    });
  const deploy: Developers["deploy"] = async (login, commit, run = String((runs += 1)), more = {}) => {
    const tier = account.tier("sandbox", login);
    const { candidate, findings } = await candidateOf({
      git,
      commit,
      root: "",
      contract: account.contract,
      tier,
      artifacts: [],
      now: NOW,
    });
    if (candidate === undefined) throw new FourTierError(findings);
    const good = goodFacts();
    const workspace = sandbox();
    return promote({
      run: { ...RUN, runId: run, sha: commit, event: "pull_request" },
      tier,
      workspace,
      stillWanted: (ledger) =>
        whyNotWanted({
          branch: undefined,
          branchOf: () => Promise.resolve(undefined),
          pull: undefined,
          ...more,
          workspace,
          tier,
          run: { runId: run },
          deployed: ledger?.pending?.release ?? ledger?.release,
        }),
      principal: SANDBOX_APPLICATION,
      candidate,
      wheels: [],
      root: "",
      git,
      acceptDrift: "",
      deep: false,
      recorded: () => Promise.reject(new Error("a sandbox has no record")),
      provedEarlier: () => Promise.resolve(undefined),
      gather: async (looked) => ({
        ...good,
        tier: "sandbox",
        previous: undefined,
        candidate: { commit, release: candidate.digest, artifacts: [] },
        approved: { release: undefined, plan: undefined },
        destructive: tier.destructive,
        run: { ...good.run, id: run },
        order: known({ current: undefined, relation: undefined }),
        ...(await looked),
      }),
      decisions: () => Promise.resolve({}),
      record: () => Promise.resolve({ id: "", finish: () => Promise.resolve() }),
      runHasEnded: () => Promise.resolve(false),
      lockWaitMs: 60_000,
      log: QUIET,
      signal: new AbortController().signal,
      now: () => new Date(),
      pause,
    });
  };
  return {
    account,
    repository,
    sandbox,
    deploy,
    branch: (name, files) => {
      repository.git("checkout", "-q", "-B", name, "main");
      const commit = repository.change(files, name);
      repository.git("checkout", "-q", "main");
      return commit;
    },
    teardown: (login, { branch, deployed, onLine } = {}) =>
      teardown({
        run: { runId: String((runs += 1)), runAttempt: 1, job: "teardown" },
        tier: account.tier("sandbox", login),
        contract: account.contract,
        workspace: sandbox(),
        principal: SANDBOX_APPLICATION,
        branch,
        branchOf: (run) => Promise.resolve(typeof deployed === "function" ? deployed(run) : deployed),
        runHasEnded: () => Promise.resolve(false),
        lockWaitMs: 60_000,
        log: { ...QUIET, ...(onLine === undefined ? {} : { info: onLine }) },
        signal: new AbortController().signal,
        now: () => new Date(),
        pause,
      }),
    names: () =>
      account.simulator.world
        .picture("dev")
        .map(({ name }) => name)
        .sort(),
    files: (developer) =>
      account.simulator.world.files(
        "dev",
        `/Users/${SANDBOX_APPLICATION}/.four-tier/ml-pipelines/sandbox/${developer}`,
      ),
  };
}

/** What fails a run. */
export const failed = (result: { readonly findings: ActionResult["findings"] }): string[] =>
  result.findings.filter(isFailure).map(({ id, message }) => `${id}: ${message}`);
