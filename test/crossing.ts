/** Tiers for runs that cross each other or die, and the proof that what they leave is whole. */
import assert from "node:assert/strict";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { startDatabricks } from "../simulator/databricks/server.ts";
import { resolveTier } from "../src/contract/tiers.ts";
import { deletePath } from "../src/databricks/files.ts";
import type { Workspace } from "../src/databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "../src/findings.ts";
import { liftHolds, takeHold } from "../src/holds.ts";
import { parseLedger } from "../src/ledger/document.ts";
import type { Hold } from "../src/ledger/holds.ts";
import { type LockedLedger, withLedger } from "../src/ledger/locked.ts";
import type { Ledger, LedgerRelease } from "../src/ledger/model.ts";
import { readLedger } from "../src/ledger/store.ts";
import { operate } from "../src/operate.ts";
import { contentsOf } from "../src/release/candidate.ts";
import { lookAt } from "../src/release/look.ts";
import { matchSchedules } from "../src/schedules.ts";
import { type RunOptions, Scene } from "./promotion.ts";
import { IDS } from "./promotion-files.ts";
import { rebuildScene } from "./rebuild.ts";
import { newRepository, type Repository } from "./repository.ts";
import { type RollbackOptions, rollbackScene } from "./rollback.ts";
import { QUIET, RUN } from "./run.ts";
import { type Ended, inTurns, type Schedule, type Seat, type Sent } from "./turns.ts";
import { verifyScene } from "./verification.ts";

type Approved = NonNullable<RunOptions["approved"]>;

/** A repository of releases, oldest first, and a tier for each schedule that is tried. */
export class Crossing {
  readonly #repository: Repository;
  readonly #tier: keyof typeof IDS;
  readonly #scenario: Partial<DatabricksScenario>;
  /** Oldest first. */
  readonly commits: readonly string[];
  /** What an approver would hand on for the way from one release to another, which is the same in every tier. */
  readonly approved = new Map<string, Approved>();
  readonly #known = new Map<string, State>();

  constructor(
    tier: keyof typeof IDS,
    releases: readonly Readonly<Record<string, string>>[],
    scenario: Partial<DatabricksScenario> = {},
  ) {
    this.#repository = newRepository();
    this.#tier = tier;
    this.#scenario = scenario;
    this.commits = releases.map((files) => this.#repository.change(files));
  }

  /** A new tier that has had these releases: promoted into the first such tier, and taken over from there by the others. */
  async tier(has: readonly number[]): Promise<Tier> {
    const known = this.#known.get(has.join());
    if (known !== undefined) return this.#open(known);
    const made = await this.#open({});
    for (const number of has) assert.deepEqual((await made.promote(number)).findings.filter(isFailure), []);
    const state = made.state();
    this.#known.set(has.join(), state);
    const copy = await this.#open(state);
    const last = has.at(-1);
    if (last !== undefined) assert.deepEqual((await copy.promote(last, { deep: true })).writes, []);
    await copy.close();
    return made;
  }

  async #open(state: State): Promise<Tier> {
    const tier = this.#tier;
    const simulator = await startDatabricks({
      workspaces: { [tier]: { id: "1111111111111111" } },
      service_principals: {
        [`ml-pipelines-${tier}`]: { application_id: IDS[tier], workspaces: [tier], secrets: [`dose-${tier}-secret`] },
      },
      users: { "mona@example.com": { display_name: "Mona" } },
      ...this.#scenario,
      ...state,
    });
    return new Tier(new Scene(this.#repository, simulator, tier), this);
  }
}

/** What promotions make of a workspace, as a scenario says it. */
type State = Pick<DatabricksScenario, "jobs" | "pipelines" | "files">;

/** What any story gives. */
export interface Told {
  readonly findings: readonly Finding[];
}

/** What a verification came to, of a release by its number. */
interface Verdict {
  readonly number: number;
  readonly passed: boolean;
}

const LOCK = { pollMs: 1, log: QUIET, now: () => new Date() };

export class Tier {
  readonly scene: Scene;
  readonly #crossing: Crossing;
  /** Runs that GitHub says have ended. */
  readonly over = new Set<string>();
  /** What the ledger has named as the tier's release, each once in a row. */
  readonly #stood: string[] = [];

  constructor(scene: Scene, crossing: Crossing) {
    this.scene = scene;
    this.#crossing = crossing;
  }

  /** Jobs, pipelines and files as they are, with their ids. */
  state(): State {
    const { world, tier } = this.scene;
    const { jobs, pipelines, files } = world.workspace(tier);
    const owner = `ml-pipelines-${tier}`;
    const leaves = files.all.filter(({ kind }) => kind !== "directories");
    return {
      jobs: { [tier]: jobs.all.map(({ id, settings }) => ({ id: String(id), owner, settings })) },
      pipelines: { [tier]: pipelines.all.map(({ id, spec }) => ({ id, owner, spec })) },
      files: {
        [tier]: Object.fromEntries(
          leaves.map(({ path, bytes, language }) => [
            path,
            {
              base64: Buffer.from(bytes).toString("base64"),
              ...(language === undefined ? {} : { notebook: language as "PYTHON" }),
            },
          ]),
        ),
      },
    };
  }

  #commit(number: number): string {
    return this.#crossing.commits[number] ?? "";
  }

  readonly #runHasEnded = (run: string): Promise<boolean> => Promise.resolve(this.over.has(run));

  /** Promotes a release by its number, approved by its digests where the tier asks for that. */
  async promote(number: number, options: RunOptions = {}): Promise<Told & { readonly writes: readonly string[] }> {
    const { approved } = this.#crossing;
    const commit = this.#commit(number);
    const common = { commit, runHasEnded: this.#runHasEnded };
    const way = `${this.ledger()?.release?.commit ?? ""} ${commit}`;
    if (this.scene.tier === "prod" && !approved.has(way)) {
      const { outputs } = (await this.scene.promote(common)).result;
      approved.set(way, { release: outputs["release-digest"], plan: outputs["plan-digest"] });
    }
    const { result, writes } = await this.scene.promote({ ...common, approved: approved.get(way) ?? {}, ...options });
    return { findings: result.findings, writes };
  }

  async rollBack(number: number, options: RollbackOptions): Promise<Told> {
    const all = await Promise.all(this.#crossing.commits.map((commit) => this.scene.candidate(commit)));
    const deletes = all.flatMap(({ desired }) => desired.map(({ key }) => key));
    const common = { to: this.#commit(number), runHasEnded: this.#runHasEnded, deletes };
    return (await rollbackScene(this.scene, { ...common, ...options })).result;
  }

  /** Verifies what the tier has; gives also what was recorded. Throws if that is of what the tier did not have throughout. */
  async verify(run: string, seat?: Seat): Promise<Told & { readonly recorded: readonly Verdict[] }> {
    const recorded: Verdict[] = [];
    const read: string[] = [];
    const noting = (workspace: Workspace): Workspace => ({
      ...workspace,
      call: async (request) => {
        const answer = await workspace.call(request);
        if (request.method === "GET" && String(request.query?.["path"]).endsWith("/ledger.json")) {
          read.push(JSON.stringify([this.ledger()?.release, this.ledger()?.pending]));
        }
        return answer;
      },
    });
    const through = seat?.through ?? ((workspace) => workspace);
    const github = seat?.github ?? ((_what, ask) => ask());
    const { result } = await verifyScene(this.scene, {
      run,
      runHasEnded: this.#runHasEnded,
      through: (workspace) => noting(through(workspace)),
      ...(seat === undefined ? {} : { pause: seat.pause }),
      record: (commit, { passed }) => {
        // From the first look that found nobody promoting to the last one.
        assert.equal(
          read.at(-1),
          read.find((each) => each.endsWith(",null]")),
        );
        return github("POST deployments", () => {
          recorded.push({ number: this.#crossing.commits.indexOf(commit), passed });
          return Promise.resolve("77");
        });
      },
    });
    return { findings: result.findings, recorded };
  }

  /** Loses the ledger, while GitHub's record still says that the tier has this release. */
  async lose(number: number): Promise<LedgerRelease> {
    const { scene } = this;
    const release = this.ledger()?.release;
    assert.ok(release !== undefined && release.commit === this.#commit(number));
    scene.recorded = { commit: release.commit, release: release.digest };
    await deletePath(scene.connect(), `${scene.folder}/ledger.json`);
    return release;
  }

  /** Makes the ledger again of what GitHub's record says. */
  async rebuild(release: LedgerRelease, run: string, seat?: Seat): Promise<Told> {
    const { scene } = this;
    const findings = await rebuildScene(scene, release, {
      run: { runId: run, runAttempt: 1, job: "verify" },
      workspace: (seat?.through ?? ((workspace) => workspace))(scene.connect()),
      runHasEnded: this.#runHasEnded,
      ...(seat === undefined ? {} : { lockWaitMs: 60_000, pause: seat.pause }),
    });
    return { findings };
  }

  /** Stops the line or lets it go on. */
  async operate(what: "hold" | "resume", run: string, seat?: Seat): Promise<Told> {
    const { scene } = this;
    const { project, name } = resolveTier(await scene.contract(this.#commit(0)), scene.tier);
    if (name === "sandbox") throw new Error("a sandbox is not operated");
    // GitHub's ids are numbers.
    const id = String(BigInt(`0x${Buffer.from(run).toString("hex")}`));
    const common = {
      tier: name,
      project,
      run: { id, attempt: 1, job: "operate" },
      reason: "incident",
      by: "hubot",
    };
    const held = { hold: "tier" as const, selector: "" };
    return operate({
      decision: what === "hold" ? { ...common, ...held, kind: what, until: null } : { ...common, ...held, kind: what },
      run: { ...RUN, event: "workflow_dispatch", actor: "hubot", runId: run },
      defaultBranch: "main",
      record: async () => (await seat?.github("POST deployments", () => Promise.resolve("1"))) ?? "1",
      locked: (work) => this.#locked(run, seat, work),
      runUrl: "https://gh.example/runs/1",
      now: new Date(),
    });
  }

  #locked<T>(run: string, seat: Seat | undefined, work: (ledger: LockedLedger) => Promise<T>): Promise<T> {
    const { scene } = this;
    const connected = scene.connect();
    const options = {
      folder: scene.folder,
      project: "ml-pipelines",
      tier: scene.tier,
      ...LOCK,
      owner: { run, attempt: 1, job: "operate" },
      runHasEnded: this.#runHasEnded,
      waitMs: seat === undefined ? 0 : 60_000,
      pause: seat?.pause ?? (() => Promise.resolve()),
    };
    return withLedger(seat?.through(connected) ?? connected, options, work);
  }

  /** Takes a hold on all schedules, lifts all or the one of an id, or enforces the tier's rule. */
  async schedules(what: "hold" | "resume" | "enforce", run: string, seat?: Seat, hold = "all"): Promise<Told> {
    const { scene } = this;
    const contract = await scene.contract(this.#commit(0));
    const tier = resolveTier(contract, scene.tier);
    const connected = scene.connect();
    const workspace = seat === undefined ? connected : seat.through(connected);
    const ledger = { folder: scene.folder, project: tier.project, tier: tier.name };
    const common = {
      contract,
      principal: IDS[scene.tier],
      patience: { timeoutMs: 1_000, everyMs: 1 },
      activeRuns: "leave" as const,
      now: new Date(),
      locked: <T>(work: (ledger: LockedLedger) => Promise<T>) => this.#locked(run, seat, work),
    };
    if (what === "enforce") {
      const read = () => readLedger(workspace, ledger.folder, ledger);
      const record = () => Promise.resolve("1");
      const options = {
        ...common,
        record,
        seesAll: true,
        mode: "enforce",
        scope: "project",
        strict: true,
        also: [],
        ledger: read,
      } as const;
      return matchSchedules(workspace, tier, options, QUIET);
    }
    const record = async (): Promise<string> =>
      (await seat?.github("POST deployments", () => Promise.resolve("1"))) ?? "1";
    const request = { ...common, workspace, tier, record, run: { id: run, attempt: 1 }, log: QUIET };
    if (what === "resume") return liftHolds({ ...request, hold });
    return takeHold({
      ...request,
      scope: "project",
      selector: "all",
      reason: "incident",
      by: "octocat",
      until: undefined,
    });
  }

  /** Plays runs by a schedule, and looks at the ledger behind each request that wrote it. */
  async play<T extends Told>(schedule: Schedule, runs: Readonly<Record<string, (seat: Seat) => Promise<T>>>) {
    const named = Object.entries(runs).map(([name, body]) => {
      const over = async (seat: Seat): Promise<T> => {
        try {
          return await body(seat);
        } finally {
          this.over.add(name);
        }
      };
      return [name, over] as const;
    });
    this.#note();
    const played = await inTurns(schedule, Object.fromEntries(named), ({ what }) => {
      if (what.endsWith("/ledger.json") && what.startsWith("POST ")) this.#note();
    });
    for (const name of Object.keys(runs)) this.over.add(name);
    return played;
  }

  #note(): void {
    const commit = this.ledger()?.release?.commit;
    if (commit !== undefined && commit !== this.#stood.at(-1)) this.#stood.push(commit);
  }

  /** The releases that the tier had one after the other while the runs were played, by their numbers. */
  stood(): number[] {
    return this.#stood.map((commit) => this.#crossing.commits.indexOf(commit));
  }

  /** The tier's ledger as it lies there; throws if it is half or not one. */
  ledger(): Ledger | undefined {
    const bytes = this.scene.world.readFile(this.scene.tier, `${this.scene.folder}/ledger.json`);
    if (bytes === undefined) return undefined;
    const path = "ledger.json";
    const parsed = parseLedger(Buffer.from(bytes).toString(), {
      project: "ml-pipelines",
      tier: this.scene.tier,
      path,
    });
    if ("finding" in parsed) throw new FourTierError(parsed.finding);
    return parsed.ledger;
  }

  /** Nothing of ours is there twice. */
  duplicates(): string[] {
    const keys = this.scene.world
      .picture(this.scene.tier)
      .map(({ kind, tags, name }) => tags["four_tier_key"] ?? `${kind} ${name}`);
    return keys.filter((key, index) => keys.indexOf(key) !== index);
  }

  /** The kinds of holds that the ledger has. */
  holds(): Hold["kind"][] {
    return (this.ledger()?.holds ?? []).map(({ kind }) => kind);
  }

  /** The lock is free, the ledger says that this release is here and nothing unfinished, and all lives as it says. */
  async proveStanding(number: number): Promise<void> {
    const { scene } = this;
    assert.deepEqual(this.duplicates(), []);
    this.#has(number);
    const workspace = scene.connect();
    const tier = resolveTier(await scene.contract(this.#commit(number)), scene.tier);
    const candidate = await scene.candidate(this.#commit(number));
    const owner = { run: "proof", attempt: 1, job: "proof" };
    const lock = { ...LOCK, owner, runHasEnded: this.#runHasEnded, waitMs: 0, pause: () => Promise.resolve() };
    const place = { tier, principal: IDS[scene.tier], folder: scene.folder };
    const at = { folder: scene.folder, project: tier.project, tier: tier.name };
    await withLedger(workspace, { ...lock, ...at }, async (ledger) => {
      const contents = contentsOf(candidate, "", [], scene.folder);
      const view = { workspace, place, candidate, contents, now: () => new Date() };
      const { standing, folders } = await lookAt(view, ledger.current(), "all");
      assert.deepEqual(standing.steps, []);
      assert.deepEqual(
        folders.filter(({ complete }) => !complete),
        [],
      );
    });
  }

  /**
   * The next run at once, ends with that release whole, and one more finds nothing to write. A ledger that
   * names this release and nothing unfinished was true: then the first has nothing to write either.
   */
  async proveWhole(number: number): Promise<void> {
    assert.deepEqual(this.duplicates(), []);
    const commit = this.#commit(number);
    const before = this.ledger();
    const stands = before?.release?.commit === commit && before?.pending === undefined;
    const next = await this.promote(number, { lockWaitMs: 0, deep: true });
    assert.deepEqual(failuresOf(next), []);
    if (stands) assert.deepEqual(next.writes, []);
    assert.deepEqual(this.duplicates(), []);
    this.#has(number);
    if (!stands) assert.deepEqual((await this.promote(number, { lockWaitMs: 0, deep: true })).writes, []);
  }

  /** The ledger names this release, and nothing that is not finished. */
  #has(number: number): void {
    const ledger = this.ledger();
    assert.equal(ledger?.release?.commit, this.#commit(number));
    assert.equal(ledger?.pending, undefined);
  }

  async close(): Promise<void> {
    await this.scene.simulator.close();
    assert.deepEqual(this.scene.simulator.unmodelled, []);
  }
}

function failuresOf({ findings }: Told): string[] {
  return findings.filter(isFailure).map(({ id }) => id);
}

/** What failed in a run that came to its end; throws for what no person could act on. */
export function failedOf(ended: Ended<Told> | undefined): string[] {
  if (ended === undefined || ended === "killed") return [];
  if ("value" in ended) return failuresOf(ended.value);
  if (ended.error instanceof FourTierError) return ended.error.findings.map(({ id }) => id);
  throw ended.error;
}

/** What was sent, for the message of a test that fails: who, and what. */
export function script(sent: readonly Sent[]): string {
  return sent
    .map(({ run, what }) => `${run}: ${what.replace(/\/?Workspace\/\S*?\/\.four-tier\/ml-pipelines\//, " ")}`)
    .join("\n");
}
