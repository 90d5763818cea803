/**
 * One promotion at a time, a tier. The lock lives in the tier: files `lock.<n>`, created with overwrite=false, so that
 * the workspace decides who was first (facts: databricks-api 6). The highest n is the one that counts.
 *
 *   lock.7            held by the run named in it …
 *   lock.7.released   … until it wrote this
 *   lock.8            next owner; or the one that took over, after the owner's run had ended without a word
 *
 * n only ever grows, so whoever was overtaken sees a higher n before its next write, and stops.
 */
import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { deletePath, listFolder, mkdirs, readFile, writeFile } from "../databricks/files.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError, messageOf } from "../findings.ts";
import { inUtc } from "../gate/wall-clock.ts";
import { together } from "../http/pool.ts";
import type { Waiting } from "../waiting.ts";

/** Whose lock it is. */
interface LockOwner {
  readonly run: string;
  readonly attempt: number;
  /** The job's key, for the person who reads the log. */
  readonly job: string;
}

/** How a tier's lock is taken. */
export interface LockOptions extends Waiting {
  readonly owner: LockOwner;
  /** Whether that attempt of that run is over; undefined if it cannot be told. */
  readonly runHasEnded: (run: string, attempt: number) => Promise<boolean | undefined>;
  /** How long to wait for another owner, in milliseconds. */
  readonly waitMs: number;
  /** How often to look, in milliseconds. */
  readonly pollMs: number;
}

/** What a story is handed to take a tier's lock with. */
export interface LockAccess extends Pick<LockOptions, "runHasEnded" | "now" | "pause"> {
  readonly run: { readonly runId: string; readonly runAttempt: number; readonly job: string };
  readonly log: { info(message: string): void; warning(message: string): void };
  readonly signal: AbortSignal;
}

const LOCK_POLL_MS = 5_000;

/** The lock as a job of a run asks for it, waiting for another owner for at most so many milliseconds. */
export function lockFor(access: LockAccess, waitMs: number): LockOptions & Pick<LockAccess, "log"> {
  const { run, runHasEnded, log, signal, now, pause } = access;
  const owner = { run: run.runId, attempt: run.runAttempt, job: run.job };
  return { owner, runHasEnded, waitMs, pollMs: LOCK_POLL_MS, log, signal, now, pause };
}

/** The lock of a tier, held. */
export interface Lock {
  readonly generation: number;
  /** Called before each write: throws FourTierError `ledger/lock-lost` if somebody else holds the lock by now. */
  check(): Promise<void>;
  /** Lets the next one in. Throws nothing for a lock that was lost. */
  release(): Promise<void>;
}

const content = v.object({
  run: v.string(),
  attempt: v.number(),
  job: v.string(),
  token: v.string(),
  at: v.string(),
});
type LockContent = v.InferOutput<typeof content>;

/** Waits for the tier's lock and takes it; throws FourTierError `ledger/locked` after `waitMs`. */
export async function acquireLock(workspace: Workspace, folder: string, options: LockOptions): Promise<Lock> {
  const token = randomUUID();
  const started = options.now().getTime();
  let said = "";
  for (;;) {
    if (options.signal?.aborted) throw new FourTierError(cancelled(folder));
    const names = await lockNames(workspace, folder);
    if (names === undefined) await mkdirs(workspace, folder);
    const standing = highest(names ?? []);
    const blocker = standing === undefined ? undefined : await blockerOf(workspace, folder, standing, options);
    if (blocker === undefined) {
      const generation = (standing?.generation ?? 0) + 1;
      if (!(await create(workspace, folder, generation, token, options))) continue; // somebody was quicker: look again
      const [now] = await together([lockNames(workspace, folder), sweep(workspace, folder, names ?? [])]);
      if (highest(now ?? [])?.generation === generation) return lockOf(workspace, folder, generation, token);
      // What was looked at is old: this number was taken since, and swept by a later owner.
      await deletePath(workspace, `${folder}/lock.${generation}`);
      continue;
    }
    if (options.now().getTime() - started >= options.waitMs) throw new FourTierError(locked(blocker, options));
    if (blocker.text !== said) options.log.info(`Waiting for ${blocker.text}.`);
    said = blocker.text;
    await options.pause(options.pollMs, options.signal);
  }
}

/** Who holds the tier's lock now; undefined if nobody does, or if nobody can tell. */
export async function lockHolder(
  workspace: Workspace,
  folder: string,
): Promise<{ readonly run: string; readonly attempt: number } | undefined> {
  const standing = highest((await lockNames(workspace, folder)) ?? []);
  if (standing === undefined || standing.released) return undefined;
  const owner = await readOwner(workspace, `${folder}/lock.${standing.generation}`);
  return typeof owner === "object" ? { run: owner.run, attempt: owner.attempt } : undefined;
}

interface LockName {
  readonly name: string;
  readonly generation: number;
  readonly released: boolean;
}

/** The highest generation, and whether its owner let go. */
function highest(names: readonly LockName[]): Omit<LockName, "name"> | undefined {
  const generation = Math.max(0, ...names.map((name) => name.generation));
  if (generation === 0) return undefined;
  return { generation, released: names.some((name) => name.generation === generation && name.released) };
}

/** The locks in the folder; undefined if there is no folder. */
async function lockNames(workspace: Workspace, folder: string): Promise<LockName[] | undefined> {
  const found: LockName[] = [];
  const entries = await listFolder(workspace, folder);
  if (entries === undefined) return undefined;
  for (const entry of entries) {
    const name = entry.path.slice(entry.path.lastIndexOf("/") + 1);
    const match = /^lock\.([1-9]\d*)(\.released)?$/.exec(name);
    if (match) found.push({ name, generation: Number(match[1]), released: match[2] !== undefined });
  }
  return found;
}

interface Blocker {
  readonly text: string;
  readonly path: string;
}

/** Who keeps us from taking generation n+1; undefined if nobody does. */
async function blockerOf(
  workspace: Workspace,
  folder: string,
  standing: { generation: number; released: boolean },
  options: LockOptions,
): Promise<Blocker | undefined> {
  if (standing.released) return undefined;
  const path = `${folder}/lock.${standing.generation}`;
  const owner = await readOwner(workspace, path);
  if (owner === "gone") return undefined;
  if (owner === "unreadable") return { text: `a lock that cannot be read (${path})`, path };
  const name = `run ${owner.run}, attempt ${owner.attempt}, job ${owner.job} (lock ${standing.generation} since ${inUtc(owner.at)})`;
  // A later attempt of a run starts only after the earlier one has ended.
  const earlierAttempt = owner.run === options.owner.run && owner.attempt < options.owner.attempt;
  if (earlierAttempt || (await options.runHasEnded(owner.run, owner.attempt)) === true) {
    options.log.info(`Taking over the lock of ${name}: it has ended without releasing it.`);
    return undefined;
  }
  return { text: name, path };
}

async function readOwner(workspace: Workspace, path: string): Promise<LockContent | "gone" | "unreadable"> {
  const bytes = await readFile(workspace, path);
  if (bytes === undefined) return "gone";
  try {
    const parsed = v.safeParse(content, JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.output : "unreadable";
  } catch {
    return "unreadable";
  }
}

async function create(
  workspace: Workspace,
  folder: string,
  generation: number,
  token: string,
  options: LockOptions,
): Promise<boolean> {
  const path = `${folder}/lock.${generation}`;
  const body = JSON.stringify({ ...options.owner, token, at: options.now().toISOString() });
  // A lost answer is settled by reading the file back: the token in it tells ours from another's.
  return (await writeFile(workspace, path, new TextEncoder().encode(body), { overwrite: false })) === "created";
}

/** Removes what older generations left. Only the highest number matters, so losing this race harms nobody. */
async function sweep(workspace: Workspace, folder: string, older: readonly LockName[]): Promise<void> {
  await together(older.map(({ name }) => deletePath(workspace, `${folder}/${name}`)));
}

function lockOf(workspace: Workspace, folder: string, generation: number, token: string): Lock {
  const path = `${folder}/lock.${generation}`;
  const holds = async (): Promise<boolean> => {
    const [names, owner] = await together([lockNames(workspace, folder), readOwner(workspace, path)]);
    return highest(names ?? [])?.generation === generation && typeof owner === "object" && owner.token === token;
  };
  return {
    generation,
    async check() {
      if (!(await holds())) throw new FourTierError(lost(path));
    },
    async release() {
      if (await holds()) {
        await writeFile(workspace, `${path}.released`, new TextEncoder().encode("{}"), { overwrite: false });
      }
    },
  };
}

function locked(blocker: Blocker, options: LockOptions) {
  const minutes = Math.round(options.waitMs / 60_000);
  return {
    id: "ledger/locked",
    severity: "error",
    message: `The tier is locked by ${blocker.text}; waited ${minutes} minutes.`,
    remedy: `Wait for that run and start this one again. If it is certain that nothing is running, create the workspace file ${blocker.path}.released.`,
  } as const;
}

function lost(path: string) {
  return {
    id: "ledger/lock-lost",
    severity: "error",
    message: `The tier's lock is not this run's any more (${path} does not count): another run has taken it, or somebody removed it. Nothing more was written.`,
    remedy: "Look at the newer run, if there is one; start this one again only if its commit is still wanted.",
  } as const;
}

function cancelled(folder: string) {
  return {
    id: "ledger/cancelled",
    severity: "error",
    message: `The run was cancelled while it waited for the lock in ${folder}; nothing was written.`,
    remedy: "Start the run again.",
  } as const;
}

/** Releases a lock and says so if that failed; for `finally`, where the first error must not be hidden. */
export async function releaseQuietly(lock: Lock, log: { warning(message: string): void }): Promise<void> {
  try {
    await lock.release();
  } catch (error) {
    log.warning(
      `The tier's lock could not be released (${messageOf(error)}); the next run takes it over once this one has ended.`,
    );
  }
}
