/**
 * Whether a run that asks for an approval is opened for a release, and which waiting runs it supersedes. Pure: what GitHub
 * said comes in. Where something is not known, nothing is opened and nothing cancelled.
 */
import type { Relation } from "../github/commits.ts";

/** A run of the workflow that promotes to the tier. */
export interface SeenRun {
  readonly id: string;
  readonly url: string;
  /** Of its newest attempt. */
  readonly status: string;
  readonly conclusion: string | undefined;
  /**
   * What it promotes: the commit of a push, or that of a believed record that says it was opened. Undefined for what a
   * person started: only they know what they gave it.
   */
  readonly commit: string | undefined;
  /** How the release's commit relates to `commit`: `ahead` makes the run the older one. */
  readonly relation: Relation | undefined;
  /** The environments that it waits to enter; nothing else of it is at work or queued. */
  readonly waitsFor: readonly string[];
  readonly busy: boolean;
  /** Somebody has approved or rejected it for the tier. */
  readonly decided: "approved" | "rejected" | undefined;
}

/** What decides whether an approval is opened, and which runs that wait are cancelled. */
export interface Situation {
  readonly environment: string;
  /** Why the release is not ready; undefined if it is. */
  readonly notReady: string | undefined;
  /** It was opened by itself before, in this run. */
  readonly openedBefore: { readonly url: string } | undefined;
  /** What the tier has, against the release's commit; undefined if it has nothing. */
  readonly has: { readonly same: boolean; readonly relation: Relation | undefined } | undefined;
  readonly runs: readonly SeenRun[];
}

interface Opening {
  /** Undefined: it is opened. Else a sentence that says why not. */
  readonly keptShut: string | undefined;
  readonly superseded: readonly SeenRun[];
}

/**
 * Whether it is opened, and what is cancelled. A run is superseded only by a newer release that is ready, or that a run
 * waits for already.
 */
export function decideOpening(situation: Situation): Opening {
  const { runs, environment } = situation;
  const keptShut = reasonAgainst(situation);
  const stands = situation.notReady === undefined && situation.has?.same !== true && !isBehind(situation);
  return { keptShut, superseded: stands ? runs.filter((run) => isSuperseded(run, environment)) : [] };
}

/** It waits for this approval and nothing else, nobody has decided about it, and what it promotes is older. */
export function isSuperseded(run: SeenRun, environment: string): boolean {
  return (
    run.status === "waiting" &&
    run.relation === "ahead" &&
    run.decided === undefined &&
    !run.busy &&
    run.waitsFor.length > 0 &&
    run.waitsFor.every((name) => name === environment)
  );
}

function isBehind({ has, runs }: Situation): boolean {
  if (has !== undefined && has.relation !== "ahead") return true;
  return runs.some((run) => run.relation === "behind" && run.status !== "completed");
}

function reasonAgainst(situation: Situation): string | undefined {
  const { notReady, openedBefore, has, runs } = situation;
  if (notReady !== undefined) return notReady;
  if (has?.same === true) return "The tier has this release already.";
  if (has !== undefined && has.relation !== "ahead") return "What the tier has is not older than this release.";
  if (openedBefore !== undefined) {
    return `It was opened before, in ${openedBefore.url}: a second time is for a person to start.`;
  }
  const same = runs.filter(({ relation }) => relation === "identical");
  const rejected = same.find(({ decided }) => decided === "rejected");
  if (rejected !== undefined) return `Somebody rejected it in ${rejected.url}.`;
  const open = same.find(({ status }) => status !== "completed");
  if (open !== undefined) return `${open.url} promotes it already.`;
  const newer = runs.find(({ relation, status }) => relation === "behind" && status !== "completed");
  return newer === undefined ? undefined : `${newer.url} promotes a newer release.`;
}
