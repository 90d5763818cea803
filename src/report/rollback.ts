/** A rollback as a tired person wants to read it: what the tier has now, what was not undone, and what comes next. */
import type { Tier } from "../contract/model.ts";
import { inUtc } from "../gate/wall-clock.ts";
import type { JsonObject } from "../json.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import type { Candidate } from "../release/candidate.ts";
import type { Look } from "../release/look.ts";
import type { Phase } from "../release/phases.ts";
import type { Target } from "../release/rollback-target.ts";
import type { Step } from "../release/step.ts";
import { shortSha } from "../short-sha.ts";
import { blocks, code, count, details, table, text } from "./markdown.ts";
import { changeJson, driftJson, driftTable, type Outcome, planTable } from "./promotion.ts";

/** What a rollback's summary and report say. */
export interface RollbackView {
  readonly tier: Tier;
  readonly target: Target;
  readonly candidate: Candidate;
  /** What the tier had; undefined if nothing was applied whole. */
  readonly from: LedgerRelease | undefined;
  /** The tier before anything was done. */
  readonly before: Look;
  readonly outcome: Outcome;
  /** What the old release does not know, and was left. */
  readonly left: readonly Step[];
  readonly phases: readonly Phase[];
  readonly deployment: string;
  /** How far it came: `paused`: all schedules are, and the release is not, or not wholly, applied. */
  readonly reached: "nothing" | "paused" | "applied" | "end";
  /** The ledger has the hold that keeps promotions out. */
  readonly held: boolean;
}

/** Markdown for the job summary; the findings come below it. */
export function rollbackSummary(view: RollbackView): string {
  const { tier, before, target, candidate } = view;
  const name = `**${text(tier.name)}**`;
  const { plan, drift } = before.standing;
  return blocks(
    headline(view, name),
    view.held
      ? `${name} is **held**: it takes no promotion until somebody runs ${code("operate.yml")} with the operation ${code("resume")}.`
      : `${name} may **not** be held: its ledger did not take the hold, so a promotion may enter.`,
    next(view),
    notUndone(view),
    table(
      ["", ""],
      [
        ["Release", code(candidate.digest)],
        ["Commit", code(candidate.commit)],
        ["Was here since", text(inUtc(target.release.at))],
        ["Verified here", target.judged.verified ? "yes" : "no run that can be believed says so"],
      ],
    ),
    // what was left is above, and was not deleted
    planTable(
      plan.changes.filter(({ key }) => !view.left.some((step) => step.key === key)),
      tier.name,
    ),
    driftTable(drift, tier.name),
    details(
      "How long it took",
      table(
        ["Phase", "Seconds"],
        view.phases.map(({ name, milliseconds }) => [text(name), (milliseconds / 1000).toFixed(1)]),
      ),
    ),
  );
}

function headline({ reached, candidate, from, outcome }: RollbackView, name: string): string {
  const to = code(shortSha(candidate.commit));
  const { done, open, uploaded } = outcome;
  switch (reached) {
    case "nothing":
      return `${name} is **not** back at ${to}: nothing of it was applied, and not all of its schedules could be paused. What was paused stays so.`;
    case "paused":
      return `${name} is **not** back at ${to}: ${count(done.length, "change")} made, ${open.length} not. Its schedules stay paused.`;
    case "applied":
      return `${name} is back at ${to}, but it does **not** run as before: not everything that was paused or stopped could be given back.`;
    case "end":
      return `${name} is back at ${to}${from === undefined ? "" : ` from ${code(shortSha(from.commit))}`}: ${count(done.length, "resource")} written, ${count(uploaded, "file")} uploaded. Schedules are as they were before the rollback.`;
  }
}

/** What whoever rolled back does now; empty if the rollback itself has not come to its end. */
function next({ reached, from, tier, candidate }: RollbackView): string {
  if (reached !== "end" || from === undefined || from.digest === candidate.digest) return "";
  return `**Next:** reject the release that was left, so that nothing lets it in again: ${code("operate.yml")}, operation ${code("reject")}, tier ${code(tier.name)}, release-digest ${code(from.digest)}. Once a fix is in the tier below: operation ${code("resume")}, then promote.`;
}

/** What no rollback of code takes back. */
function notUndone({ tier, left, before, outcome }: RollbackView): string {
  const renewed = before.standing.steps.filter(({ action, key }) => action === "create" && outcome.done.includes(key));
  const lines = [
    "Data that the newer release wrote, checkpoints of its streams, and models that it trained stay as they are.",
    ...left.map(
      ({ key, name }) =>
        `${code(key)} (${text(name)}) is not in this release. It was left, paused: to have the next promotion delete it, list it (${code(`tiers.${tier.name}.destructive: [${key}]`)}).`,
    ),
    ...before.standing.left
      .filter(({ goes }) => !goes)
      .map(({ key, name }) => `${code(key)} (${text(name)}), which an earlier rollback left, is still there, paused.`),
    ...renewed.map(({ key }) => `${code(key)} was gone and was recreated: it has a new id, and no history of runs.`),
  ];
  return `### What was not undone\n\n${lines.map((line) => `- ${line}`).join("\n")}`;
}

/** The rollback for the JSON report. */
export function rollbackJson(view: RollbackView): JsonObject {
  const { tier, candidate, from, before, outcome, target, reached, held } = view;
  return {
    tier: tier.name,
    project: tier.project,
    commit: candidate.commit,
    release: candidate.digest,
    from: from === undefined ? null : { commit: from.commit, release: from.digest },
    verified: target.judged.verified,
    plan: { digest: before.standing.plan.digest, changes: before.standing.plan.changes.map(changeJson) },
    drift: driftJson(before.standing.drift),
    outcome: { uploaded: outcome.uploaded, done: [...outcome.done], open: outcome.open.map(({ key }) => key) },
    reached,
    held,
    left: view.left.map(({ key }) => key),
    deployment: view.deployment,
    phases: view.phases.map(({ name, milliseconds }) => ({ name, milliseconds })),
  };
}
