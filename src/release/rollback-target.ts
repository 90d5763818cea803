/** Which release a tier goes back to. Pure but for what it asks. */
import { type Finding, FourTierError } from "../findings.ts";
import { judgingProblems } from "../gate/check.ts";
import { standingRejects } from "../gate/checks/rejects.ts";
import type { RejectFacts } from "../gate/decision-facts.ts";
import { inUtc } from "../gate/wall-clock.ts";
import type { Hold } from "../ledger/holds.ts";
import { keptOf } from "../ledger/kept.ts";
import type { Ledger, LedgerRelease } from "../ledger/model.ts";
import { shortSha } from "../short-sha.ts";

/** What GitHub's record says of a release that a tier is said to have had. */
export interface JudgedRelease {
  /** A run that can be believed deployed it to this tier. */
  readonly wasHere: boolean;
  /** A run that can be believed verified it in this tier. */
  readonly verified: boolean;
  /** Whether it is rejected, in whatever tier. */
  readonly rejects: RejectFacts;
}

/** What never was in a tier: nobody asks for more. */
export const NOT_HERE: JudgedRelease = {
  wasHere: false,
  verified: false,
  rejects: { standing: [], lifted: [], doubted: [], outdated: [], unread: [], whole: true },
};

/** Among which releases to choose, and how they are judged. */
export interface TargetQuestion {
  readonly tier: string;
  readonly ledger: Ledger;
  /**
   * A commit, a release digest, or 7 or more first digits of either; empty: the goal of a rollback that has not ended,
   * else the last verified one.
   */
  readonly to: string;
  readonly isAncestor: (ancestor: string, descendant: string) => Promise<boolean>;
  readonly judge: (release: LedgerRelease) => Promise<JudgedRelease>;
  /** Ids of the run that asks and of the one that has the tier's lock: a rollback of theirs has not ended. */
  readonly runs?: readonly string[];
}

/** The release that was chosen. */
export interface Target {
  readonly release: LedgerRelease;
  readonly judged: JudgedRelease;
  /** The hold of the rollback that had not come to its end, if that is what is taken up. */
  readonly takenUp?: Hold | undefined;
}

/** Releases older than the present one that are looked at before somebody has to name one. */
const MOST_JUDGED = 10;

/** Chooses. Throws FourTierError with what there is to choose from. */
export async function chooseTarget(question: TargetQuestion): Promise<Target> {
  const { tier, to } = question;
  const known = distinct(question.ledger);
  if (to !== "") {
    const named = known.filter(({ commit, digest }) => commit.startsWith(to) || digest.startsWith(to));
    const [release, ...others] = named;
    if (release === undefined || others.length > 0) throw new FourTierError(notFound(question, known, named.length));
    const judged = await question.judge(release);
    if (!judged.wasHere) throw new FourTierError(neverHere(tier, release));
    const against = rejectedOrUnknown(question, release, judged);
    if (against.length > 0) throw new FourTierError(against);
    return { release, judged };
  }
  const unknown: Finding[] = [];
  const begun = unfinished(question);
  const goal = known.find(({ digest }) => digest === begun?.goal);
  if (goal !== undefined) {
    const judged = await question.judge(goal);
    if (judged.wasHere && rejectedOrUnknown(question, goal, judged).length === 0) {
      return { release: goal, judged, takenUp: begun?.hold };
    }
  }
  let looked = 0;
  for (const release of await older(question, known)) {
    if (++looked > MOST_JUDGED) break;
    const judged = await question.judge(release);
    if (!judged.wasHere || !judged.verified) continue;
    const against = rejectedOrUnknown(question, release, judged);
    if (against.length === 0) return { release, judged };
    unknown.push(...against.filter(({ severity }) => severity === "unknown"));
  }
  throw new FourTierError([noneVerified(question, known), ...unknown]);
}

/**
 * The newest rollback that has not come to its end, and its goal: whoever runs it again without a name means that one,
 * and not what came before it.
 */
function unfinished({ ledger, runs = [] }: TargetQuestion): { readonly goal: string; readonly hold: Hold } | undefined {
  for (const hold of ledger.holds.toReversed()) {
    if (hold.origin !== "rollback") continue;
    if (hold.goal !== undefined) return { goal: hold.goal, hold };
    // It has written all, and the run is started again, or died before it let go of the lock.
    const { release } = ledger;
    if (release?.run.id === hold.run.id && runs.includes(hold.run.id)) return { goal: release.digest, hold };
  }
  return undefined;
}

function isSame(one: LedgerRelease, other: LedgerRelease): boolean {
  return one.digest === other.digest && one.commit === other.commit;
}

/** Every release that was applied here whole, newest first, each once. */
function distinct({ history }: Ledger): LedgerRelease[] {
  return history.filter((release, index) => history.findIndex((other) => isSame(other, release)) === index);
}

/**
 * What came before what the tier has: a second rollback goes further back, and never forward to what was left. Content
 * counts, not its commit: a commit that changed nothing of the release is not gone back from to the one before, which has
 * the same content, nor a revert to what it reverted. A promotion that has not ended is gone back from to the last whole
 * release.
 */
async function older(question: TargetQuestion, known: readonly LedgerRelease[]): Promise<readonly LedgerRelease[]> {
  const { ledger, isAncestor } = question;
  const now = ledger.release;
  if (now === undefined) return known;
  const found: LedgerRelease[] = [];
  const since = ledger.history.findLastIndex(({ digest }) => digest === now.digest);
  const left = new Set(ledger.history.slice(0, since + 1));
  const promoting = ledger.pending !== undefined && unfinished(question) === undefined;
  for (const release of known) {
    if (isSame(release, now) ? promoting : !left.has(release) && (await isAncestor(release.commit, now.commit))) {
      found.push(release);
    }
  }
  return found;
}

function list(known: readonly LedgerRelease[]): string {
  const shown = known.slice(0, 8).map(({ commit, at }) => `${shortSha(commit)} (${inUtc(at)})`);
  return shown.length === 0 ? "none" : shown.join(", ");
}

function notFound({ tier, to }: TargetQuestion, known: readonly LedgerRelease[], matches: number) {
  return {
    id: "rollback/unknown-release",
    severity: "error",
    message:
      matches === 0
        ? `${tier} never had a release ${to}.`
        : `${to} are the first digits of ${matches} releases of ${tier}.`,
    remedy: `Name one that it had, newest first: ${list(known)}.`,
  } as const;
}

function neverHere(tier: string, { commit }: LedgerRelease) {
  return {
    id: "rollback/not-proven",
    severity: "error",
    message: `The ledger of ${tier} says that it had ${shortSha(commit)}, and no run that can be believed deployed it there.`,
    why: "Code that runs in the tier could have written the ledger; a rollback must not be a way around the gate.",
    remedy: "Choose another release, or promote the commit you want through the gate.",
  } as const;
}

/** What speaks against it: a reject in any tier, also one that only the ledger remembers, or that nobody can tell. */
function rejectedOrUnknown(
  { tier, ledger }: TargetQuestion,
  { commit, digest }: LedgerRelease,
  { rejects }: JudgedRelease,
): Finding[] {
  const name = shortSha(commit);
  const standing = standingRejects(rejects, keptOf(ledger).rejects, { tier, release: digest });
  if (standing.length > 0) {
    return standing.map((reject) => ({
      id: "rollback/rejected",
      severity: "error",
      message: `${name} was rejected in ${reject.tier} by ${reject.by}: ${reject.reason}`,
      remedy: `Choose another release, or lift the reject first (operate.yml, operation accept, in ${reject.tier}).`,
    }));
  }
  return judgingProblems(rejects, { noun: "that this release is rejected or accepted" })
    .filter(({ severity }) => severity === "unknown")
    .map(({ message, remedy }) => ({
      id: "rollback/reject-unknown",
      severity: "unknown",
      message: `Whether ${name} was rejected cannot be told. ${message}`,
      why: "No rollback goes to a rejected release.",
      remedy: `Choose another release, or: ${remedy}`,
    }));
}

function noneVerified({ tier, ledger }: TargetQuestion, known: readonly LedgerRelease[]) {
  const others = known.filter(({ digest }) => digest !== ledger.release?.digest);
  return {
    id: "rollback/none-verified",
    severity: "error",
    message: `No release that ${tier} had before ${ledger.release === undefined ? "this one" : shortSha(ledger.release.commit)} is proven to have passed a verification there.`,
    remedy: `Name the one you want with the input to. It had, newest first: ${list(others)}.`,
  } as const;
}
