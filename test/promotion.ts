/** A real repository, a simulated workspace, and one promotion after the other into it. */
import { afterAll, onTestFinished } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import type { Contract, TierName } from "../src/contract/model.ts";
import { parseContract } from "../src/contract/parse.ts";
import { resolveTier } from "../src/contract/tiers.ts";
import { connect, type Workspace } from "../src/databricks/workspace.ts";
import { FourTierError, isFailure } from "../src/findings.ts";
import type { EvidenceFacts } from "../src/gate/evidence-facts.ts";
import { type GateFacts, known } from "../src/gate/facts.ts";
import { type Git, openGit } from "../src/git.ts";
import type { LedgerRelease } from "../src/ledger/model.ts";
import { type PromoteRequest, promote } from "../src/promote.ts";
import { type Candidate, type CarriedArtifact, candidateOf } from "../src/release/candidate.ts";
import type { Promoted } from "../src/report/promoted.ts";
import type { ActionResult } from "../src/report/report.ts";
import { evidence, goodFacts, RELEASE } from "./gate/facts.ts";
import { FILES, IDS } from "./promotion-files.ts";
import { newRepository, type Repository, removeFolders } from "./repository.ts";
import { QUIET, RUN } from "./run.ts";

type OwnTier = keyof typeof IDS;

/** What a promotion recorded, and how it ended. */
interface Recorded {
  readonly release: LedgerRelease;
  readonly description: string;
  readonly overrides: Parameters<PromoteRequest["record"]>[2];
  ended: string;
}

export interface Run {
  readonly result: Promoted;
  /** What it recorded: description of the record, and how it ended. */
  readonly records: readonly Recorded[];
  /** `POST /api/2.2/jobs/create`: every request that is not a read. */
  readonly writes: readonly string[];
  readonly log: readonly string[];
}

export interface RunOptions
  extends Partial<
    Pick<PromoteRequest, "signal" | "runHasEnded" | "lockWaitMs" | "now" | "pause" | "deep" | "provedEarlier">
  > {
  readonly commit?: string;
  readonly wheels?: readonly CarriedArtifact[];
  readonly run?: string;
  readonly acceptDrift?: string;
  readonly approved?: Partial<GateFacts["approved"]>;
  /** What GitHub does when the record is to be ended. */
  readonly finish?: () => Promise<void>;
  /** What people decided while the run waited for the lock. */
  readonly decisions?: Partial<GateFacts>;
  /** Changes what GitHub records. */
  readonly facts?: Partial<GateFacts>;
  /** Another application id than the tier's, together with `through`. */
  readonly principal?: string;
  /** What the promotion's connection goes through. */
  readonly through?: (workspace: Workspace) => Workspace;
  /** What its requests to GitHub go through. */
  readonly github?: <T>(what: string, ask: () => Promise<T>) => Promise<T>;
}

/** A repository is opened once, however many scenes play in it. */
const opened = new WeakMap<Repository, Git>();
/** What a commit says never changes, and most scenes begin with the same one. By tier and commit. */
const candidates = new Map<string, Promise<Candidate>>();
const contracts = new Map<string, Promise<Contract>>();

function once<T>(kept: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const found = kept.get(key) ?? read();
  kept.set(key, found);
  return found;
}

export function gitOf(repository: Repository): Git {
  const git = opened.get(repository) ?? openGit(repository.folder);
  opened.set(repository, git);
  return git;
}

export class Scene {
  readonly repository: Repository;
  readonly simulator: DatabricksSimulator;
  readonly tier: OwnTier;
  /** What GitHub's record proves that the tier has. */
  recorded: { readonly commit: string; readonly release: string } | undefined;
  #runs = 100;

  constructor(repository: Repository, simulator: DatabricksSimulator, tier: OwnTier) {
    this.repository = repository;
    this.simulator = simulator;
    this.tier = tier;
  }

  get folder(): string {
    return `/Workspace/Users/${IDS[this.tier]}/.four-tier/ml-pipelines/${this.tier}`;
  }

  get world(): DatabricksSimulator["world"] {
    return this.simulator.world;
  }

  /** Changes files and commits. */
  change(files: Readonly<Record<string, string>>): string {
    return this.repository.change(files);
  }

  /** Every write so far, sign-in left out. */
  writes(): string[] {
    return this.simulator.requests
      .filter(({ method, path }) => method !== "GET" && path.startsWith("/api/"))
      .map(({ method, path }) => `${method} ${decodeURIComponent(path)}`);
  }

  /** The tier's own principal, connected. */
  connect(): Workspace {
    const { clientId, clientSecret } = this.simulator.credentials(`ml-pipelines-${this.tier}`);
    return connect({
      host: this.simulator.workspaces[this.tier]?.url ?? "",
      credentials: { kind: "secret", clientId, clientSecret },
      log: QUIET,
    });
  }

  candidate(commit: string, wheels: readonly CarriedArtifact[] = []): Promise<Candidate> {
    if (wheels.length > 0) return this.#candidate(commit, wheels);
    return once(candidates, `${this.tier} ${commit}`, () => this.#candidate(commit, wheels));
  }

  async #candidate(commit: string, wheels: readonly CarriedArtifact[]): Promise<Candidate> {
    const git = gitOf(this.repository);
    const contract = await this.contract(commit);
    const { candidate, findings } = await candidateOf({
      git,
      commit,
      root: "",
      contract,
      tier: resolveTier(contract, this.tier),
      artifacts: wheels,
      now: new Date(),
    });
    if (candidate === undefined) throw new FourTierError(findings);
    return candidate;
  }

  contract(commit: string): Promise<Contract> {
    return once(contracts, commit, () => this.#contract(commit));
  }

  async #contract(commit: string): Promise<Contract> {
    const git = gitOf(this.repository);
    const bytes = await git.readFile(commit, "four-tier.yml");
    const parsed = parseContract(new TextDecoder().decode(bytes), "four-tier.yml", { allowedHosts: [] });
    if (parsed.contract === undefined) throw new FourTierError(parsed.findings);
    return parsed.contract;
  }

  /** Promotes a commit (default: the head) as a run of its own. */
  async promote(options: RunOptions = {}): Promise<Run> {
    const git = gitOf(this.repository);
    const commit = options.commit ?? this.repository.head();
    const candidate = await this.candidate(commit, options.wheels);
    const contract = await this.contract(commit);
    const tier = resolveTier(contract, this.tier);
    const records: Recorded[] = [];
    const log: string[] = [];
    const before = this.writes().length;
    const runId = options.run ?? String((this.#runs += 1));
    const good = goodFacts();
    const github = options.github ?? ((_what, ask) => ask());
    const result = await promote({
      run: { ...RUN, runId, sha: commit },
      tier,
      workspace: (options.through ?? ((workspace) => workspace))(this.connect()),
      principal: options.principal ?? IDS[this.tier],
      candidate,
      wheels: options.wheels ?? [],
      root: "",
      git,
      acceptDrift: options.acceptDrift ?? "",
      deep: options.deep ?? false,
      provedEarlier: options.provedEarlier ?? (() => Promise.resolve(undefined)),
      gather: async (looked, before, earlier) => {
        const [live, current] = await Promise.all([looked, before]);
        return {
          ...good,
          tier: this.tier,
          previous: tier.previous,
          environment: this.tier,
          candidate: { commit, release: candidate.digest, artifacts: candidate.artifacts },
          approved: { release: options.approved?.release, plan: options.approved?.plan },
          acceptedDrift: options.acceptDrift,
          destructive: tier.destructive,
          adopt: tier.adopt,
          policy: known({
            ...tier.gate,
            activeRuns: tier.activeRuns,
            onFailure: contract.tiers[this.tier].onFailure,
            onExpiry: "report",
            evidenceBranch: undefined,
          }),
          run: { ...good.run, id: runId },
          order: known({
            current: current.known ? current.value : undefined,
            relation: await relation(git, current, commit),
          }),
          ...live,
          provedEarlier: await earlier,
          source: known([provenBy(commit, candidate.digest)]),
          ...options.facts,
        };
      },
      recorded: () => Promise.resolve(known(this.recorded)),
      decisions: () => Promise.resolve(options.decisions ?? {}),
      record: (release, description, overrides) =>
        github("POST deployments", () => {
          const record: Recorded = { release, description, overrides, ended: "" };
          records.push(record);
          return Promise.resolve({
            id: String(records.length),
            finish: (state, text) =>
              github("POST statuses", async () => {
                await options.finish?.();
                record.ended = `${state}: ${text}`;
                if (state === "success") this.recorded = { commit: release.commit, release: release.digest };
              }),
          });
        }),
      runHasEnded: options.runHasEnded ?? (() => Promise.resolve(false)),
      lockWaitMs: options.lockWaitMs ?? 60_000,
      log: { info: (line) => log.push(line), warning: (line) => log.push(`warning: ${line}`) },
      signal: options.signal ?? new AbortController().signal,
      now: options.now ?? (() => new Date()),
      pause: options.pause ?? (() => new Promise((resolve) => setImmediate(resolve))),
    });
    return { result, records, log, writes: this.writes().slice(before) };
  }
}

/** The tier below has it: what counts as evidence has its own tests. */
export function provenBy(commit: string, release: string): EvidenceFacts {
  const { deployment, claim, run } = evidence;
  if (claim === undefined || run === undefined) throw new Error("the evidence is not whole");
  return {
    deployment: { ...deployment, sha: commit },
    claim: { ...claim, release },
    run: {
      ...run,
      headSha: commit,
      jobs: run.jobs.map((job) => ({
        ...job,
        steps: job.steps.map((step) => ({ ...step, name: step.name.replace(RELEASE, release) })),
      })),
    },
  };
}

async function relation(
  git: { isAncestor(a: string, b: string): Promise<boolean> },
  current: Awaited<Parameters<PromoteRequest["gather"]>[1]>,
  commit: string,
) {
  if (!current.known || current.value === undefined) return undefined;
  if (current.value.commit === commit) return "identical" as const;
  if (await git.isAncestor(current.value.commit, commit)) return "ahead" as const;
  return (await git.isAncestor(commit, current.value.commit)) ? ("behind" as const) : ("diverged" as const);
}

/** A tier and a repository of one commit; both go when the test ends, which fails if anything unmodelled was asked. */
export async function scene(
  tier: TierName & OwnTier = "dev",
  more: Partial<DatabricksScenario> = {},
  files: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const simulator = await startDatabricks({
    workspaces: { [tier]: { id: "1111111111111111" } },
    service_principals: {
      [`ml-pipelines-${tier}`]: { application_id: IDS[tier], workspaces: [tier], secrets: [`dose-${tier}-secret`] },
    },
    users: { "mona@example.com": { display_name: "Mona" } },
    ...more,
  });
  onTestFinished(async () => {
    await simulator.close();
    if (simulator.unmodelled.length > 0) throw new Error(`not modelled: ${simulator.unmodelled.join(", ")}`);
  });
  return new Scene(newRepository({ ...FILES, ...files }), simulator, tier);
}

afterAll(removeFolders);

/** The ids of a result's findings. */
export function ids(result: ActionResult): string[] {
  return result.findings.map(({ id }) => id);
}

/** The ids of what fails a run. */
export function failures(result: ActionResult): string[] {
  return result.findings.filter(isFailure).map(({ id }) => id);
}

/** Writes to jobs and pipelines. */
export function jobWrites(writes: readonly string[]): string[] {
  return writes.filter((write) => /\/(jobs|pipelines)\b/.test(write));
}

/** What stands in the tier: jobs, then pipelines, each by name. */
export function names(scene: Scene): string[] {
  return scene.world.picture(scene.tier).map(({ name }) => name);
}

/** Promotes to prod with the digests that this very state asks for, as an approver would hand them on. */
export async function approve(prod: Scene, acceptDrift?: string) {
  const brief = await prod.promote();
  return prod.promote({
    approved: { release: brief.result.outputs["release-digest"], plan: brief.result.outputs["plan-digest"] },
    ...(acceptDrift === undefined ? {} : { acceptDrift }),
  });
}
