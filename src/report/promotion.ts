/** A promotion as a person wants to read it: what changed, what was written, how long it took, what the way back is. */
import type { Tier } from "../contract/model.ts";
import { type Finding, isFailure } from "../findings.ts";
import type { GateResult } from "../gate/evaluate.ts";
import type { EarlierProof } from "../gate/live-facts.ts";
import { inUtc } from "../gate/wall-clock.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { effectOf } from "../release/brief-risk.ts";
import type { Candidate } from "../release/candidate.ts";
import { type Change, changed, type Drift, type FieldChange } from "../release/change.ts";
import { fieldText, valueText } from "../release/fields.ts";
import { lossOf } from "../release/impact.ts";
import { inWords } from "../release/in-words.ts";
import { leftJson } from "../release/left.ts";
import type { Phase } from "../release/phases.ts";
import type { Standing } from "../release/standing.ts";
import type { Step } from "../release/step.ts";
import type { FolderState } from "../release/upload.ts";
import { shortSha } from "../short-sha.ts";
import { gateJson, gateSummary, overrideNotice, stoppedBy } from "./gate.ts";
import { leftSection } from "./left.ts";
import { blocks, code, count, details, link, table, text } from "./markdown.ts";

/** What a promotion did. */
export interface Outcome {
  readonly findings: readonly Finding[];
  /** Files written. */
  readonly uploaded: number;
  /** Keys in the order in which they were written. */
  readonly done: readonly string[];
  readonly open: readonly Step[];
  /** Keys that were put back to what they had, after a failure; undefined if nothing was. */
  readonly undone?: readonly string[];
}

/** How far live state was compared with what was applied. */
export type Compared = "whole" | "resources" | "lists";

/** What a promotion's summary and report say. */
export interface PromotionView {
  readonly tier: Tier;
  readonly candidate: Candidate;
  readonly standing: Standing;
  readonly folders: readonly FolderState[];
  readonly compared: Compared;
  readonly gate: GateResult;
  readonly phases: readonly Phase[];
  readonly acceptDrift: string;
  /** `refused`: the gate said no. `nothing`: the tier has this release already. */
  readonly outcome: Outcome | "refused" | "nothing";
  readonly deployment?: string;
  /** Whose record stands, where this run leaves none. */
  readonly provedEarlier?: EarlierProof | undefined;
}

/** The job summary. */
export function promotionSummary(view: PromotionView): string {
  const { standing, gate, candidate } = view;
  const passes = gate.verdict === "pass";
  return blocks(
    headline(view),
    overrideNotice(gate),
    table(
      ["", ""],
      [
        ["Release", code(candidate.digest)],
        ["Commit", code(candidate.commit)],
        ["Plan", code(standing.plan.digest)],
        ["Catalog", code(view.tier.catalog)],
      ],
    ),
    passes ? "" : gateSummary(gate),
    planTable(standing.plan.changes, view.tier.name),
    driftTable(standing.drift, view.tier.name),
    leftOver(view),
    leftSection(standing.left, view.tier.name),
    passes ? details("The gate", gateSummary(gate)) : "",
    details(
      "How long it took",
      table(
        ["Phase", "Seconds"],
        view.phases.map(({ name, milliseconds }) => [text(name), (milliseconds / 1000).toFixed(1)]),
      ),
    ),
    wayBack(view),
  );
}

/** How far a promotion that found nothing to do has looked. */
const COMPARED = {
  whole: "Live state was compared whole: settings, access lists, and every byte of the release's folders.",
  resources:
    "Live state was compared: settings and access lists; of the release's folders, that every file is there. `deep: true` compares their bytes, too.",
  lists:
    "Live state was compared as far as lists show it: that everything is there, and the settings of jobs. Access lists, whom a job runs as, the settings of pipelines and the bytes of files were not compared: `deep: true` does that.",
} as const;

function headline({ compared, tier, outcome, standing, candidate, provedEarlier, gate }: PromotionView): string {
  const name = `**${text(tier.name)}**`;
  if (outcome === "refused") {
    return `Nothing was applied to ${name}: the gate does not let this release in${stoppedBy(gate)}. ${text(gate.findings.find(isFailure)?.message ?? "")}`;
  }
  if (outcome === "nothing") {
    return `${name} has commit ${code(shortSha(candidate.commit))} already: no lock was needed, and nothing was written to jobs, pipelines or files. ${COMPARED[compared]}${restedOn(provedEarlier)}`;
  }
  const writes = `${count(outcome.done.length, "resource")} written, ${count(outcome.uploaded, "file")} uploaded`;
  const open = outcome.open.length === 0 ? "" : `, ${count(outcome.open.length, "change")} **not** applied`;
  if (outcome.undone !== undefined) {
    return `${name} was **put back** to what it had: ${writes}${open}, then undone (${count(outcome.undone.length, "resource")}).`;
  }
  const untouched = standing.plan.changes.filter((change) => !outcome.done.includes(change.key)).length;
  return `${name}: ${writes}${open}, ${count(untouched, "resource")} untouched.`;
}

function restedOn(earlier: EarlierProof | undefined): string {
  if (earlier === undefined) return "";
  return ` Of grants, those on the catalog itself were asked for; those in it were proved by ${link(`run ${earlier.run}`, earlier.runUrl)} at ${text(inUtc(earlier.at))}, whose record stands: this run leaves none of its own.`;
}

/** The plan, one row a resource that changes; what does not change is counted below. */
export function planTable(changes: readonly Change[], tier: string): string {
  const moving = changed({ changes });
  const still = changes.length - moving.length;
  if (moving.length === 0) return `### Plan for ${text(tier)}\n\nNo resource changes.`;
  const rows = moving.map((change) => [
    code(change.key),
    text(change.action),
    effectOf(change),
    [lossText(change), change.action === "create" ? text(inWords(change.name)) : fieldList(change.fields)]
      .filter((part) => part !== "")
      .join("<br>"),
  ]);
  return blocks(
    `### Plan for ${text(tier)}`,
    table(["Resource", "Action", "What happens", "Fields"], rows),
    still === 0 ? "" : `${count(still, "resource")} unchanged.`,
  );
}

/** Drift as a table; an empty string for none. */
export function driftTable(drift: Drift, tier: string): string {
  if (drift.empty) return "";
  const rows = drift.entries.map((entry) => [
    code(entry.key),
    entry.what === "missing" ? "deleted" : fieldList(entry.fields),
  ]);
  return blocks(
    `### Changed by hand in ${text(tier)}`,
    table(["Resource", "What was applied → what lives"], rows),
    `Digest of this drift: ${code(drift.digest)}`,
  );
}

const FIELDS_SHOWN = 12;

function fieldList(fields: readonly FieldChange[]): string {
  const shown = fields.slice(0, FIELDS_SHOWN).map((field) => code(inWords(fieldText(field))));
  if (fields.length > FIELDS_SHOWN) shown.push(`and ${fields.length - FIELDS_SHOWN} more`);
  return shown.join("<br>");
}

function leftOver({ standing }: PromotionView): string {
  const orphans = standing.observation.orphans;
  const pending = standing.ledger?.pending;
  return blocks(
    pending === undefined
      ? ""
      : `The promotion of ${code(shortSha(pending.release.commit))} (run ${text(pending.release.run.id)}) had not ended; what it left was taken up.`,
    orphans.length === 0
      ? ""
      : `These carry our tags and belong to no release we know: ${orphans.map((found) => `${code(found.key)} (${code(found.id)})`).join(", ")}. They were left alone.`,
  );
}

function wayBack({ standing, outcome, tier }: PromotionView): string {
  if (typeof outcome !== "object") return "";
  const previous = standing.ledger?.release;
  const data = "Data, checkpoints and trained models stay as they are: a release moves code.";
  return previous === undefined
    ? `This was the first release of ${text(tier.name)}: there is nothing to go back to.`
    : `**The way back:** ${text(tier.name)} had ${code(shortSha(previous.commit))} before. ${code("rollback.yml")} takes it back there, without a build: its content is still in the tier. Run it by hand, or: ${code(`gh workflow run rollback.yml -f tier=${tier.name} -f to=${shortSha(previous.commit)} -f reason="…"`)}. Or revert on the default branch and promote the revert. ${data}`;
}

/** The promotion for the JSON report. */
export function promotionJson(view: PromotionView): JsonObject {
  const { standing, candidate, outcome, tier } = view;
  return {
    tier: tier.name,
    project: tier.project,
    commit: candidate.commit,
    release: candidate.digest,
    components: Object.fromEntries(candidate.components.map(({ name, digest }) => [name, digest])),
    artifacts: candidate.artifacts.map(({ name, sha256 }) => ({ name, sha256 })),
    plan: { digest: standing.plan.digest, changes: standing.plan.changes.map(changeJson) },
    drift: driftJson(standing.drift),
    left: leftJson(standing.left),
    gate: gateJson(view.gate),
    outcome:
      typeof outcome === "string"
        ? outcome
        : {
            uploaded: outcome.uploaded,
            done: [...outcome.done],
            open: outcome.open.map((step) => step.key),
            ...(outcome.undone === undefined ? {} : { undone: [...outcome.undone] }),
          },
    compared: view.compared,
    ...(view.provedEarlier === undefined
      ? {}
      : { proved_earlier: { run: view.provedEarlier.run, at: view.provedEarlier.at } }),
    phases: view.phases.map(({ name, milliseconds }) => ({ name, milliseconds })),
    ...(view.deployment === undefined ? {} : { deployment: view.deployment }),
  };
}

/** Drift for a JSON report. */
export function driftJson(drift: Drift): JsonObject {
  const entries = drift.entries.map(({ key, what, fields }) => ({ key, what, fields: fields.map(fieldJson) }));
  return { digest: drift.digest, entries };
}

/** What a change takes away, or nothing. */
function lossText(change: Change): string {
  const loss = lossOf(change);
  return loss === undefined ? "" : `⚠️ lost: ${text(loss)}`;
}

/** A change for a JSON report; values are cut as in the summary. */
export function changeJson(change: Change): JsonObject {
  const { key, kind, name, action, fields } = change;
  const loss = lossOf(change);
  return {
    key,
    kind,
    name,
    action,
    class: change.class,
    ...(loss === undefined ? {} : { loses: loss }),
    fields: fields.map(fieldJson),
  };
}

/** One field; values are cut as in the summary, and masked before. */
export function fieldJson(field: FieldChange): { path: string; old: string | null; new: string | null } {
  const side = (value: JsonValue | undefined): string | null => (value === undefined ? null : valueText(value));
  return { path: field.path, old: side(field.old), new: side(field.new) };
}
