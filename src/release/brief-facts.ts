/** What a brief says beyond plan and gate: files, the contract, runs that a promotion would split, the way back. */
import { parse as parseYaml } from "yaml";
import { fileStatus } from "../databricks/files.ts";
import { listRuns } from "../databricks/jobs.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { hasFinding } from "../findings.ts";
import type { Git } from "../git.ts";
import { mapBounded, together } from "../http/pool.ts";
import { parseJson } from "../json.ts";
import { emptyLedger, type Ledger, type LedgerRelease } from "../ledger/model.ts";
import { componentFolder } from "../ledger/paths.ts";
import type { Change, FieldChange } from "./change.ts";
import { differences } from "./fields.ts";
import { runsAllTheTime } from "./loops.ts";
import { masked } from "./mask.ts";
import type { Observation } from "./observe.ts";
import { chooseTarget, type TargetQuestion } from "./rollback-target.ts";

/** A file of the release that differs from what the tier has. */
export interface ChangedFile {
  readonly path: string;
  readonly what: "added" | "changed" | "removed";
  /** Whose code it is part of; none where it acts by settings, or not in the tier at all. */
  readonly components: readonly string[];
}

/** The tracked files that two commits have not alike, sorted by path. */
export async function changedFiles(
  git: Pick<Git, "tracked">,
  from: string,
  to: string,
  carriers: (path: string) => readonly string[],
): Promise<ChangedFile[]> {
  const [before, after] = await together([git.tracked(from), git.tracked(to)]);
  const old = new Map(before.map(({ path, blob, mode }) => [path, `${mode} ${blob}`]));
  const now = new Map(after.map(({ path, blob, mode }) => [path, `${mode} ${blob}`]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => old.get(path) !== now.get(path))
    .sort()
    .map((path) => ({
      path,
      what: !old.has(path) ? "added" : now.has(path) ? "changed" : "removed",
      components: carriers(path),
    }));
}

/** What the contract says otherwise: grants, schedules, the gate itself. */
export async function contractChanges(
  git: Pick<Git, "readFile">,
  file: string,
  from: string,
  to: string,
): Promise<FieldChange[]> {
  const at = async (commit: string) => {
    const bytes = await git.readFile(commit, file);
    // Both commits' contracts were read whole before: what is not YAML does not come here.
    return bytes === undefined ? undefined : parseJson(JSON.stringify(parseYaml(new TextDecoder().decode(bytes))));
  };
  return differences(await at(from), await at(to)).map(masked);
}

/** A run that failed, and that somebody may repair after the promotion. */
export interface FailedRun {
  readonly key: string;
  readonly runId: string;
  readonly url: string | undefined;
  /** The service's word: FAILED, TIMEDOUT, … */
  readonly code: string;
  /** Milliseconds since 1970. */
  readonly endedAt: number | undefined;
}

const PARALLEL = 8;
/** Runs of a job that are looked at for its newest that ended. */
const MOST_RUNS = 10;
/** What never ran cannot be repaired. */
const NOT_REPAIRED = ["SKIPPED", "EXCLUDED"];

/**
 * Jobs whose newest ended run has failed, and whose code or settings the plan changes. A repair of that run would run its
 * remaining tasks as the job is by then: one run, of two releases. What runs all the time is not repaired: it
 * starts again by itself, and a promotion cancels its runs to roll it forward. Throws ApiError.
 */
export async function failedRuns(
  workspace: Workspace,
  changes: readonly Change[],
  live: Observation["live"],
): Promise<readonly FailedRun[]> {
  const jobs = changes.filter(
    ({ kind, action, class: each }) => kind === "jobs" && action === "update" && each !== "metadata",
  );
  const found = await mapBounded(jobs, PARALLEL, async ({ key }): Promise<FailedRun[]> => {
    const job = live.get(key);
    if (job === undefined || runsAllTheTime(job.settings)) return [];
    let looked = 0;
    for await (const run of listRuns(workspace, { jobId: job.id })) {
      if (++looked > MOST_RUNS) break;
      if (!run.done || run.trigger === "CONTINUOUS" || NOT_REPAIRED.includes(run.code ?? "")) continue;
      return run.succeeded
        ? []
        : [{ key, runId: run.id, url: run.url, code: run.code ?? run.state, endedAt: run.endTime }];
    }
    return [];
  });
  return found.flat();
}

/** Where a rollback after this promotion would lead by itself. */
export interface WayBack {
  readonly to: Pick<LedgerRelease, "commit" | "digest">;
  /** Whether all its folders are in the tier; undefined: nobody looked. */
  readonly folders: boolean | undefined;
}

/**
 * Asks what rollback.yml would choose once the candidate is there (rollback-target.ts); undefined if it would choose
 * nothing by itself. `history` is what the tier had, newest first. Throws what cannot be read.
 */
export async function wayBack(
  question: Pick<TargetQuestion, "isAncestor" | "judge"> & {
    readonly tier: Ledger["tier"];
    readonly project: string;
    readonly candidate: Pick<LedgerRelease, "commit" | "digest">;
    readonly history: readonly LedgerRelease[];
    /** What the tier's ledger remembers of rejects. */
    readonly rejects: NonNullable<Ledger["rejects"]>;
    /** To look for the folders of these components, which have resources; undefined for nobody. */
    readonly place:
      | { readonly workspace: Workspace; readonly folder: string; readonly components: ReadonlySet<string> }
      | undefined;
  },
): Promise<WayBack | undefined> {
  const { tier, project, candidate, history, rejects, place } = question;
  const entered: LedgerRelease = { ...BARE, ...candidate };
  const ledger: Ledger = { ...emptyLedger(project, tier), rejects, release: entered, history: [entered, ...history] };
  try {
    const { release } = await chooseTarget({ ...question, tier, ledger, to: "" });
    return { to: release, folders: place === undefined ? undefined : await haveAll(place, release) };
  } catch (error) {
    if (hasFinding(error, "rollback/none-verified")) return undefined;
    throw error;
  }
}

/** What of a release does not matter to the choice. */
export const BARE: Omit<LedgerRelease, "commit" | "digest"> = {
  plan: "",
  at: "",
  run: { id: "", attempt: 1 },
  components: {},
  artifacts: [],
};

/** The digest of a component without files, such as one of an experiment alone: it has no folder. */
const NO_FILES = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Undefined if it is not known which folders there should be. */
async function haveAll(
  { workspace, folder, components }: NonNullable<Parameters<typeof wayBack>[0]["place"]>,
  release: LedgerRelease,
): Promise<boolean | undefined> {
  const folders = Object.entries(release.components)
    .filter(([name, digest]) => components.has(name) && digest !== NO_FILES)
    .map(([name, digest]) => componentFolder(folder, name, digest));
  if (folders.length === 0) return undefined;
  const found = await mapBounded(folders, PARALLEL, (path) => fileStatus(workspace, path));
  return found.every((status) => status !== undefined);
}
