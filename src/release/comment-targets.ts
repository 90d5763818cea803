/** Which merged pull requests a change of a tier concerns. */
import type { RecordTier } from "../gate/record-runs.ts";
import type { GitHub } from "../github/client.ts";
import { compare } from "../github/commits.ts";
import { together } from "../http/pool.ts";
import type { Place } from "../report/pull-comment.ts";
import type { Found } from "../report/whereabouts.ts";
import { type Brought, historyBetween } from "./history.ts";

/**
 * Pull requests that one run looks at, the newest first: a comment costs two requests of a thousand an hour (facts:
 * github 6).
 */
export const MOST_PULLS = 50;

/** A pull request, and where its change is. */
export interface Target {
  readonly pull: Brought;
  readonly places: readonly Place[];
  /** It moved: it gets a comment if it has none. What only waits keeps the one it has. */
  readonly moved: boolean;
}

/** Pull requests between two commits, all of which the later one has. */
interface Span {
  /** Undefined: nobody can say what was there before, and only what brought the later commit itself is meant. */
  readonly from: string | undefined;
  readonly to: string;
  readonly moved: boolean;
  /** The tier had them, and has them no more. */
  readonly left: boolean;
}

/** Which pull requests are concerned, newest first, those that moved before those that wait; `passed` were too many. */
export async function findTargets(
  github: GitHub,
  tiers: readonly Found[],
  tier: RecordTier,
): Promise<{ readonly targets: readonly Target[]; readonly passed: number }> {
  const targets = new Map<string, Target>();
  let unasked = 0;
  const halves = await together(tiers.map(({ found }) => partsOf(github, found)));
  for (const span of spansOf(tiers, tier)) {
    const history = await historyBetween(github, span.from, span.to);
    unasked += span.moved ? history.unasked : 0;
    if (history.pulls.length === 0) continue;
    const lacking = await together(tiers.map(async ({ found }) => lackedBy(github, found, span.to)));
    for (const pull of history.pulls.toReversed()) {
      if (targets.has(pull.number)) continue;
      const places = tiers.map(({ tier: name, found }, index): Place => {
        const lacks = lacking[index];
        const contains = lacks === undefined ? undefined : lacks !== "all" && !lacks.has(pull.commit);
        const partly = contains === false && halves[index]?.has(pull.commit) === true;
        return { tier: name, found, contains, partly, had: span.left && name === tier };
      });
      targets.set(pull.number, { pull, places, moved: span.moved });
    }
  }
  const all = [...targets.values()];
  const passed = all.slice(MOST_PULLS).filter(({ moved }) => moved).length + unasked;
  return { targets: all.slice(0, MOST_PULLS), passed };
}

/**
 * What may be there in part, what came with the last release, what went with it, and what the tiers before have and this
 * one has not.
 */
function spansOf(tiers: readonly Found[], tier: RecordTier): readonly Span[] {
  const own = tiers.findIndex((each) => each.tier === tier);
  const found = tiers[own]?.found;
  const has = releaseOf(found);
  const partly = found?.known === true ? found.value.partly : undefined;
  const half = partly === undefined ? [] : [{ from: has?.commit, to: partly, moved: true, left: false }];
  if (has === undefined) return half;
  const { commit: to, replaced: from } = has;
  const came = { from, to, moved: true, left: false };
  const went = from === undefined ? [] : [{ from: to, to: from, moved: true, left: true }];
  // The first tier has the newest.
  const ahead = tiers.slice(0, own).flatMap(({ found }) => releaseOf(found) ?? [])[0];
  const waits = ahead === undefined ? [] : [{ from: to, to: ahead.commit, moved: false, left: false }];
  return [...half, came, ...went, ...waits];
}

const releaseOf = (found: Found["found"] | undefined) => (found?.known === true ? found.value.has : undefined);

/** Commits of `to`'s history that are not in what a tier has; all if it has nothing; undefined if nobody can say. */
async function lackedBy(
  github: GitHub,
  found: Found["found"],
  to: string,
): Promise<ReadonlySet<string> | "all" | undefined> {
  if (!found.known) return undefined;
  const has = found.value.has?.commit;
  if (has === undefined) return "all";
  if (has === to) return new Set();
  const comparison = await compare(github, has, to);
  return comparison === undefined ? undefined : new Set(comparison.commits.map(({ sha }) => sha));
}

/** Commits of which parts may be in a tier, since their promotion stopped half way. */
async function partsOf(github: GitHub, found: Found["found"]): Promise<ReadonlySet<string> | undefined> {
  const partly = found.known ? found.value.partly : undefined;
  if (partly === undefined) return undefined;
  const has = releaseOf(found)?.commit;
  const comparison = has === undefined ? undefined : await compare(github, has, partly);
  return new Set([partly, ...(comparison?.commits ?? []).map(({ sha }) => sha)]);
}
