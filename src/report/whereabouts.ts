/** What runs where, as people see it: a picture that GitHub draws, lines for a terminal, and the same for machines. */
import { type Fact, known } from "../gate/facts.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import { duration, endInUtc, inUtc } from "../gate/wall-clock.ts";
import type { JsonObject } from "../json.ts";
import type { TierRelease, Told, Whereabouts } from "../release/whereabouts.ts";
import { shortSha } from "../short-sha.ts";
import { visible } from "./log-line.ts";

/** One tier as it was found, or why it was not. */
export interface Found {
  readonly tier: RecordTier;
  readonly found: Fact<Whereabouts>;
}

/** What stands before the tiers in the picture: where releases come from. */
interface Source {
  /** `main`, or what waits. */
  readonly name: string;
  readonly commit: string;
}

/**
 * A Mermaid flowchart of four boxes: where releases come from, dev, staging, prod. Labels hold only our words, hex
 * digits, and names reduced to letters that mean nothing to Mermaid.
 */
export function picture(source: Source, tiers: readonly Found[], now: Date): string {
  const boxes = tiers.map(({ tier, found }) => {
    const lines = [`<b>${tier}</b>`, ...(found.known ? linesOf(found.value, now) : ["GitHub does not say"])];
    return `  ${tier}["${lines.join("<br>")}"]:::${found.known ? moodOf(found.value) : "unsure"}`;
  });
  const chain = ["source", ...tiers.map(({ tier }) => tier)].join(" --> ");
  return [
    "```mermaid",
    "flowchart LR",
    `  source(["<b>${plain(source.name)}</b><br>${plain(shortSha(source.commit))}"])`,
    ...boxes,
    `  ${chain}`,
    "  classDef good stroke:#1a7f37,stroke-width:2px",
    "  classDef bad stroke:#cf222e,stroke-width:3px",
    "  classDef unsure stroke:#9a6700,stroke-width:2px,stroke-dasharray:4",
    "```",
  ].join("\n");
}

/**
 * A tier that this very run has promoted or rolled back, which holds it: its record cannot be believed before the run's
 * job has ended.
 */
export function justChanged(
  tier: RecordTier,
  what: {
    readonly commit: string;
    readonly digest: string;
    readonly at: Date;
    readonly run: { readonly runId: string; readonly runAttempt: number };
  },
  kind: TierRelease["kind"] = "promotion",
): Found {
  const { commit, digest, at, run } = what;
  const has: TierRelease = {
    kind,
    commit,
    digest,
    since: at.toISOString(),
    replaced: undefined,
    run: { id: run.runId, attempt: run.runAttempt, url: "" },
    startedBy: undefined,
    approvedBy: [],
    overridden: [],
    verified: undefined,
    rejected: undefined,
    kept: undefined,
  };
  const hold = { reason: "", by: undefined, at: at.toISOString(), until: undefined, runUrl: undefined };
  const holds = kind === "rollback" ? [hold] : [];
  return {
    tier,
    found: known({ tier, has, holds, paused: [], doubted: [], partly: undefined, unfinished: undefined }),
  };
}

function linesOf({ has, holds, paused }: Whereabouts, now: Date): string[] {
  if (has === undefined) return ["nothing yet"];
  return [
    `commit ${plain(shortSha(has.commit))}`,
    `release ${plain(shortSha(has.digest))}`,
    `for ${age(has.since, now)}`,
    [
      stateOf(has),
      ...(has.kind === "rollback" ? ["rolled back"] : []),
      ...(holds.length > 0 ? ["held"] : []),
      ...(paused.length > 0 ? ["schedules held"] : []),
    ].join(", "),
  ];
}

function stateOf({ verified, rejected }: TierRelease): string {
  if (rejected !== undefined) return "rejected";
  if (verified === undefined) return "not verified";
  return verified.passed ? "verified" : "verification failed";
}

function moodOf({ has, holds, paused }: Whereabouts): "good" | "bad" | "unsure" {
  if (has === undefined) return "unsure";
  if (has.rejected !== undefined || has.verified?.passed === false) return "bad";
  return has.verified === undefined || holds.length + paused.length > 0 ? "unsure" : "good";
}

/** Whatever could end a label or mean something in it becomes an underscore. */
function plain(value: string): string {
  return value.replaceAll(/[^A-Za-z0-9./ -]/g, "_").slice(0, 40);
}

/** `3h`, `5d`: the largest unit that is not below one. */
export function age(since: string, now: Date): string {
  const minutes = Math.floor((now.getTime() - Date.parse(since)) / 60_000);
  if (!(minutes >= 1)) return "less than 1m";
  const whole = minutes >= 2880 ? minutes - (minutes % 1440) : minutes >= 120 ? minutes - (minutes % 60) : minutes;
  return duration(whole * 60_000);
}

/** A block of lines a tier, for a terminal; nothing from outside can move the cursor or add a line. */
export function whereaboutsText(tiers: readonly Found[], now: Date): string {
  const lines = tiers.flatMap(({ tier, found }) => {
    const [first = "", ...more] = found.known ? tierLines(found.value, now) : [`GitHub does not say: ${found.why}`];
    return [`${tier.padEnd(9)}${first}`, ...more.map((line) => `${" ".repeat(9)}${line}`)];
  });
  return lines.map((line) => visible(line.replaceAll(/[\r\n]+/g, " "))).join("\n");
}

function tierLines({ tier, has, holds, paused, unfinished, doubted }: Whereabouts, now: Date): string[] {
  const held = [
    ...holds.map((hold) => `HELD: ${toldText(hold)}`),
    ...paused.map((hold) => `SCHEDULES HELD (${hold.of}): ${toldText(hold)}`),
  ];
  const newer = [
    ...(unfinished === undefined
      ? []
      : [
          `run ${unfinished.runId} began with ${shortSha(unfinished.commit)} after that: ${unfinished.state}${unfinished.state === "failure" ? `; what that made of ${tier}, and whether it holds it, only its ledger says (mode: status)` : ""}`,
        ]),
    ...doubted.map(
      ({ id, creator, doubts }) =>
        `NOT BELIEVED: Deployment ${id} by ${creator ?? "an unknown account"}: ${doubts.join("; ")}`,
    ),
  ];
  if (has === undefined) return ["nothing yet", ...held, ...newer];
  const { verified, rejected, overridden, kept } = has;
  const verdict =
    verified === undefined
      ? "not verified"
      : `${verified.passed ? "verified" : "VERIFICATION FAILED"} ${inUtc(verified.at)}${verified.runUrl === undefined ? "" : `, ${verified.runUrl}`}`;
  return [
    `commit ${shortSha(has.commit)}, release ${shortSha(has.digest)}${has.kind === "rollback" ? ", rolled back to" : ""}`,
    `since ${inUtc(has.since)} (${age(has.since, now)}), ${has.run.url}`,
    verdict,
    `started by ${has.startedBy ?? "somebody"}, ${has.approvedBy.length === 0 ? "no approval" : `approved by ${has.approvedBy.join(", ")}`}`,
    ...keptLines(kept),
    ...(rejected === undefined ? [] : [`REJECTED: ${toldText(rejected)}`]),
    ...(overridden.length === 0 ? [] : [`OVERRIDDEN: ${overridden.join(", ")}`]),
    ...held,
    ...newer,
  ];
}

function keptLines(kept: TierRelease["kept"]): string[] {
  if (kept === undefined) return [];
  if (!kept.known) return [`whether its evidence is kept is not known: ${kept.why}`];
  return [kept.value.kept ? `evidence kept: ${kept.value.url}` : `EVIDENCE NOT KEPT: ${kept.value.why}`];
}

function toldText({ reason, by, at, until }: Told): string {
  return `${reason} (${by ?? "somebody"}, ${inUtc(at)}${until === undefined ? "" : `, until ${endInUtc(until)}`})`;
}

/** The same for machines; times are ISO. */
export function whereaboutsJson(tiers: readonly Found[]): JsonObject {
  return Object.fromEntries(
    tiers.map(({ tier, found }) => [tier, found.known ? tierJson(found.value) : { unknown: found.why }]),
  );
}

function tierJson({ has, holds, paused, doubted, unfinished }: Whereabouts): JsonObject {
  return {
    has:
      has === undefined
        ? null
        : {
            kind: has.kind,
            commit: has.commit,
            release: has.digest,
            since: has.since,
            run: { ...has.run },
            started_by: has.startedBy ?? null,
            approved_by: [...has.approvedBy],
            overridden: [...has.overridden],
            verified: has.verified === undefined ? null : { passed: has.verified.passed, ...toldJson(has.verified) },
            rejected: has.rejected === undefined ? null : toldJson(has.rejected),
            evidence:
              has.kept === undefined ? null : has.kept.known ? { ...has.kept.value } : { unknown: has.kept.why },
          },
    holds: holds.map(toldJson),
    schedules_held: paused.map((hold) => ({ of: hold.of, ...toldJson(hold) })),
    unfinished: unfinished === undefined ? null : { ...unfinished },
    not_believed: doubted.map(({ id, creator, doubts }) => ({
      deployment: id,
      creator: creator ?? null,
      doubts: [...doubts],
    })),
  };
}

function toldJson({ reason, by, at, until, runUrl }: Told): JsonObject {
  return { reason, by: by ?? null, at, until: until ?? null, run_url: runUrl ?? null };
}
