/** The tier at one moment: live resources, content folders, and where that stands towards a release. */
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError, isFailure } from "../findings.ts";
import { together } from "../http/pool.ts";
import { ledgerText } from "../ledger/document.ts";
import type { Ledger } from "../ledger/model.ts";
import type { Compared } from "../report/promotion.ts";
import type { Candidate } from "./candidate.ts";
import { type Observed, observe } from "./observe.ts";
import type { Place } from "./place.ts";
import { type Standing, standingOf } from "./standing.ts";
import { type Content, type FolderState, inspectFolders } from "./upload.ts";

/** What was seen at a tier. */
export interface Look {
  readonly standing: Standing;
  readonly folders: readonly FolderState[];
  /** What was compared with what was applied: only what lists show (glance.ts), resources, bytes as well. */
  readonly compared: Compared;
  /** When it began. */
  readonly at: Date;
}

/** What is looked at, and by whose eyes. */
export interface View {
  readonly workspace: Workspace;
  readonly place: Place;
  readonly candidate: Candidate;
  readonly contents: readonly Content[];
  readonly now: () => Date;
}

/** Which folders' bytes are read: of all, of none, or of those that something is about to be pointed at. */
type Bytes = "all" | "none" | "used";

/**
 * Reads live resources whole (but for what is `kept` from an earlier look of this run) and lists content folders. Throws
 * FourTierError for what makes any promotion impossible.
 */
export async function lookAt(
  { workspace, place, candidate, contents, now }: View,
  ledger: Ledger | undefined,
  bytes: Bytes,
  kept: ReadonlyMap<string, Observed> = new Map(),
): Promise<Look> {
  const at = now();
  const seeing = observe(workspace, { ...place, ledger, desired: candidate.desired, kept }).then((observation) => {
    if (observation.findings.some(isFailure)) throw new FourTierError(observation.findings);
    return standingOf(ledger, observation, candidate.desired, place);
  });
  const isUsed = async (component: string): Promise<boolean> =>
    (await seeing).steps.some(({ desired }) => desired?.component === component);
  const read = (component: string, complete: boolean): boolean | Promise<boolean> =>
    bytes === "all" || (bytes === "used" && (!complete || isUsed(component)));
  const [standing, folders] = await together([seeing, inspectFolders(workspace, contents, place.tier.name, read)]);
  return { standing, folders, compared: bytes === "all" ? "whole" : "resources", at };
}

/**
 * The same, and once more if there is drift and the ledger has changed meanwhile: another run of ours was writing, and
 * what it wrote is no change by hand.
 */
export async function lookTwice(
  view: View,
  ledger: Ledger | undefined,
  readLedger: () => Promise<Ledger | undefined>,
  bytes: Bytes,
): Promise<Look> {
  const look = await lookAt(view, ledger, bytes);
  if (look.standing.drift.empty) return look;
  const now = await readLedger();
  return isSame(now, ledger) ? look : lookAt(view, now, bytes);
}

/** How long an earlier look counts for what nothing is about to be written to, in milliseconds. */
const KEPT_MS = 60_000;

/**
 * Looks again under the lock. What the plan touches is read again, bytes that something will be pointed at included;
 * what it does not touch was read whole less than a minute ago, or is read again, and is read whole when all is done. The
 * ledger rarely changed in between, so the rest is read beside it; if it did, all is read again by what it says now.
 */
export async function lookAgainAt(
  view: View,
  before: Look,
  readLedger: () => Promise<Ledger | undefined>,
  bytes: "all" | "used",
): Promise<Look> {
  const { ledger: known, steps, observation } = before.standing;
  const due = new Set(steps.map(({ key }) => key));
  const old = view.now().getTime() - before.at.getTime() > KEPT_MS;
  const whole = bytes === "all" || before.compared === "lists" || old;
  const kept = new Map(
    [...observation.live].flatMap(([key, found]) =>
      whole || found === undefined || due.has(key) ? [] : [[key, found] as const],
    ),
  );
  const again = lookAt(view, known, bytes, kept);
  const [ledger] = await together([readLedger(), again.catch(() => undefined)]);
  return isSame(ledger, known) ? again : lookAt(view, ledger, bytes);
}

/** True if both say the same. */
export function isSame(one: Ledger | undefined, other: Ledger | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return ledgerText(one) === ledgerText(other);
}
