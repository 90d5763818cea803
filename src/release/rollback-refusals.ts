/** What speaks against a rollback: all of it at once, before anything is written. Pure. */
import type { Tier } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { Ledger } from "../ledger/model.ts";
import { goneWheels, type KeptArtifact } from "./again.ts";
import type { Candidate } from "./candidate.ts";
import type { Look } from "./look.ts";
import { unmarkedLosses } from "./losses.ts";
import type { Step } from "./step.ts";

/** What a run asked for. */
interface Asked {
  readonly tier: Tier;
  /** The release to go back to, as given; empty: none was named. */
  readonly to: string;
  /** Keys that whoever started the run lets it delete or replace: what the contract lists is meant for going forward. */
  readonly deletes: readonly string[];
}

/** What makes a rollback to this release impossible, all of it. */
export function refusalsOf(
  { tier, deletes }: Pick<Asked, "tier" | "deletes">,
  { standing, folders }: Look,
  candidate: Candidate,
  wheels: readonly KeptArtifact[],
): Finding[] {
  const unread = wheels.filter((wheel) => wheel.unread).map(({ name }) => name);
  return [
    ...standing.steps
      .filter(({ action, key }) => action === "replace" && !deletes.includes(key))
      .map(({ key, kind }) => replaces(tier.name, key, kind)),
    // What is named is taken away only if it carries our mark, as by a promotion.
    ...unmarkedLosses(
      standing.steps.filter(({ key }) => deletes.includes(key)),
      tier,
    ),
    ...standing.observation.namesakes
      .filter(({ adopted }) => !adopted)
      .map(({ key, name, id }) => nameTaken(tier.name, key, name, id)),
    ...folders.flatMap(({ content, missing }) =>
      missing
        .filter(({ path }) => unread.some((name) => path.endsWith(`/${name}`)))
        .map(({ path }) => wheelGone(tier.name, content.component, path)),
    ),
    ...goneWheels(candidate, wheels).map(({ component, name }) => wheelGone(tier.name, component, name)),
  ];
}

/** What the old release does not know is deleted only if the run names it; else it is left, and stays paused. */
export function withoutUnlistedDeletes(
  { deletes }: Pick<Asked, "deletes">,
  { standing }: Look,
): { readonly left: readonly Step[]; readonly steps: readonly Step[] } {
  const left = standing.steps.filter(({ action, key }) => action === "delete" && !deletes.includes(key));
  return { left, steps: standing.steps.filter((step) => !left.includes(step)) };
}

/** A key that was mistyped would else be taken for one that was deleted. */
export function unusedDeletes({ tier, deletes }: Pick<Asked, "tier" | "deletes">, { standing }: Look): Finding[] {
  const taken = new Set(
    standing.steps.flatMap(({ key, action }) => (action === "delete" || action === "replace" ? [key] : [])),
  );
  return deletes
    .filter((key) => !taken.has(key))
    .map((key) => ({
      id: "rollback/delete-unused",
      severity: "warning",
      where: { kind: "resource", tier: tier.name, key },
      message: `The input delete names ${key}, and this rollback had nothing to delete or replace under that key.`,
      remedy: "Nothing, if it was gone already. Else look whether the key is written as in the bundle.",
    }));
}

/** A finding if the tier is not what it was when the release to go back to was chosen. */
export function changedMeanwhile({ tier, to }: Pick<Asked, "tier" | "to">, before: Ledger, now: Ledger): Finding[] {
  const moved =
    before.release?.digest !== now.release?.digest ||
    before.pending?.release.run.id !== now.pending?.release.run.id ||
    (to === "" && newestGoal(before) !== newestGoal(now));
  if (!moved) return [];
  return [
    {
      id: "rollback/changed-meanwhile",
      severity: "error",
      message: `${tier.name} was promoted to while the rollback waited for the lock; nothing was written.`,
      remedy: "Look at what it has now, and run the rollback again if it is still wanted.",
    },
  ];
}

function newestGoal({ holds }: Ledger): string | undefined {
  return holds.findLast(({ goal }) => goal !== undefined)?.goal;
}

function replaces(tier: string, key: string, kind: string): Finding {
  return {
    id: "rollback/destructive",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `To go back, ${key} would have to be deleted and recreated: the release changed what cannot be changed back.`,
    why:
      kind === "pipelines"
        ? "A new pipeline does not take over the tables of the old one."
        : "What it holds would be lost.",
    remedy: `If that is wanted, run the rollback again with delete: ${key}; else fix it with a new commit.`,
  };
}

function nameTaken(tier: string, key: string, name: string, id: string): Finding {
  return {
    id: "rollback/name-taken",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} is gone, and ${id} has its name, "${name}", and is not ours.`,
    remedy: "Rename or delete the other one, then run the rollback again.",
  };
}

function wheelGone(tier: string, component: string, path: string): Finding {
  return {
    id: "rollback/content-gone",
    severity: "error",
    where: { kind: "resource", tier, key: component },
    message: `${path} of ${component} is not in ${tier} any more, and nothing else has its bytes.`,
    why: "Files come from git again, and the digest proves them; a wheel is built once and is not in git.",
    remedy:
      "Choose another release, or revert on the default branch and promote the revert, which builds the wheel again.",
  };
}
