/**
 * What a person decides about a tier: a release is bad (reject) or good after all (accept), the line stops (hold) and
 * goes on (resume), these digests may enter (approve). The record is made first: it is what every gate believes, and it
 * waits for nobody. The tier's ledger keeps a copy where there is a credential, because records can be deleted.
 */
import { type Finding, FourTierError, messageOf } from "./findings.ts";
import { statementOf } from "./gate/record-runs.ts";
import { endInUtc } from "./gate/wall-clock.ts";
import { holdId } from "./ledger/holds.ts";
import type { LockedLedger } from "./ledger/locked.ts";
import type { Ledger } from "./ledger/model.ts";
import { isWorkflow } from "./login.ts";
import { parseRecord, type RecordInput, recordPayload } from "./release/evidence.ts";
import { blocks, code, link, text } from "./report/markdown.ts";
import type { ActionResult } from "./report/report.ts";
import { shortSha } from "./short-sha.ts";

/** The kinds that a person decides here, as they are recorded. */
export type Decision = Extract<RecordInput, { kind: "reject" | "accept" | "hold" | "resume" | "approval" }>;

/** What a person decided, and in which run. */
export interface OperateRequest {
  readonly decision: Decision;
  /** Who started the run, the event and the ref: only a person's dispatch on the default branch is believed. */
  readonly run: {
    readonly event: string;
    readonly ref: string;
    readonly actor: string;
    readonly runId: string;
    readonly runAttempt: number;
  };
  readonly defaultBranch: string;
  /** Makes the record; gives the Deployment's id. */
  readonly record: (description: string) => Promise<string>;
  /** Works on the tier's ledger under its lock; undefined where there is no credential for the tier. */
  readonly locked: ((work: (ledger: LockedLedger) => Promise<void>) => Promise<void>) | undefined;
  readonly runUrl: string;
  readonly now: Date;
}

/** Records the decision. Throws FourTierError if nobody would believe it, before anything was written. */
export async function operate(request: OperateRequest): Promise<ActionResult> {
  const { decision, record, locked } = request;
  const findings = doubtsOf(request);
  if (findings.length > 0) throw new FourTierError(findings);
  const deployment = await record(descriptionOf(decision));
  const kept = decision.kind === "approval" ? [] : await keep(request, locked);
  const claim = parseRecord(recordPayload(decision));
  return {
    findings: kept,
    outputs: {
      "deployment-id": deployment,
      "release-digest": "release" in decision ? decision.release : "",
      // What a step of the calling workflow has to be named for this run to be believed.
      statement: claim === undefined || claim.kind === "promotion" ? "" : statementOf(claim),
    },
    summary: summaryOf(request, deployment),
    report: { operation: recordPayload(decision), deployment, kept: kept.length === 0 },
  };
}

/** A finding if the run is not one that a person started on the default branch: no decision of it would be believed. */
export function notDispatched(
  { event, ref }: Pick<OperateRequest["run"], "event" | "ref">,
  defaultBranch: string,
): Finding | undefined {
  if (event === "workflow_dispatch" && ref === `refs/heads/${defaultBranch}`) return undefined;
  return {
    id: "operate/not-dispatched",
    severity: "error",
    message: `This run is a ${event} of ${ref}, and a decision is a workflow_dispatch of ${defaultBranch}.`,
    why: "On any other ref, whoever can push decides what the workflow does, so no gate would believe it.",
    remedy: byHand(defaultBranch),
  };
}

function byHand(defaultBranch: string): string {
  return `Start the caller of operate.yml by hand (Actions → Run workflow) on ${defaultBranch}.`;
}

/** Why the gates would not believe this run; the same that they ask (src/gate/record-doubts.ts). */
function doubtsOf({ decision, run, defaultBranch }: OperateRequest): Finding[] {
  const wrong = (what: string, message: string, why: string): Finding => ({
    id: `operate/${what}`,
    severity: "error",
    message,
    why,
    remedy: byHand(defaultBranch),
  });
  const other = notDispatched(run, defaultBranch);
  if (other !== undefined) return [other];
  if (LETTING_IN.includes(decision.kind) && isWorkflow(run.actor)) {
    return [
      wrong(
        "nobody",
        "A workflow started this run, and nobody can say whose decision it is.",
        "Whoever can push a branch can let its workflow start this one.",
      ),
    ];
  }
  return [];
}

/** What opens a gate; what shuts one may come from anybody. */
const LETTING_IN: readonly Decision["kind"][] = ["accept", "resume", "approval"];

/** A tier that is locked or out of reach is no reason to undo what was decided: the record stands. */
async function keep({ decision, run, now }: OperateRequest, locked: OperateRequest["locked"]): Promise<Finding[]> {
  if (locked === undefined) return [];
  try {
    await locked(async (ledger) => {
      const next = kept(ledger.current(), decision, { by: run.actor, at: now.toISOString() });
      await ledger.save(next);
    });
    return [];
  } catch (error) {
    return [
      {
        id: "operate/not-kept",
        severity: "warning",
        message: `It is recorded and holds; the ledger of ${decision.tier} does not keep a copy: ${messageOf(error)}`,
        why: "Whoever may write here can delete the record, and then only the ledger remembers.",
        remedy: "Run this again when the tier can be reached.",
      },
    ];
  }
}

/** The ledger with a decision in it. */
export function kept(
  ledger: Ledger,
  decision: Decision,
  { by, at }: { readonly by: string; readonly at: string },
): Ledger {
  const { reason } = decision;
  const run = { id: decision.run.id, attempt: decision.run.attempt };
  const rejects = ledger.rejects ?? [];
  switch (decision.kind) {
    case "reject": {
      const others = rejects.filter((each) => each.release !== decision.release || each.run.id !== run.id);
      return { ...ledger, rejects: [...others, { release: decision.release, reason, by, at, run }] };
    }
    case "accept":
      return { ...ledger, rejects: rejects.filter(({ release }) => release !== decision.release) };
    case "hold": {
      const until = decision.until === null ? undefined : endOf(decision.until);
      const says = {
        project: decision.project,
        tier: decision.tier,
        reason,
        by,
        at,
        until: until ?? null,
        run: run.id,
      };
      const hold = { id: holdId(says), kind: "tier" as const, selector: "all", scope: "project" as const };
      return { ...ledger, holds: [...ledger.holds, { ...hold, reason, by, at, until, run, prior: [] }] };
    }
    case "approval":
      return ledger; // It is for what comes, not of what the tier has.
    case "resume":
      return { ...ledger, holds: ledger.holds.filter(({ kind }) => kind !== "tier") };
  }
}

/** A date is its whole day, in UTC. */
function endOf(until: string): string {
  return new Date(until.includes("T") ? until : `${until}T24:00:00Z`).toISOString();
}

function descriptionOf(decision: Decision): string {
  const { tier, reason } = decision;
  switch (decision.kind) {
    case "reject":
      return `Rejected in ${tier}: release ${shortSha(decision.release)}. ${reason}`;
    case "accept":
      return `Accepted again in ${tier}: release ${shortSha(decision.release)}. ${reason}`;
    case "hold":
      return `${tier} is held${decision.until === null ? "" : ` until ${endInUtc(decision.until)}`}. ${reason}`;
    case "resume":
      return `${tier} takes promotions again. ${reason}`;
    case "approval":
      return `Approved for ${tier}: release ${shortSha(decision.release)}, plan ${shortSha(decision.plan)}. ${reason}`;
  }
}

const WHAT_FOLLOWS: Readonly<Record<Decision["kind"], string>> = {
  reject: "No gate of any tier lets this release in until it is accepted again, in this tier or one above.",
  accept: "Rejects of this release in this tier and those below are lifted.",
  hold: "The tier takes no promotion, not even one that waits for an approval now, until it is resumed.",
  resume: "All holds on the tier's promotions are lifted. Holds on schedules are not touched.",
  approval:
    "It counts for these digests only. When enough people have approved, re-run the failed job of the promotion.",
};

function summaryOf({ decision, run, runUrl }: OperateRequest, deployment: string): string {
  const digests =
    "release" in decision
      ? `Release ${code(decision.release)}${decision.kind === "approval" ? `, plan ${code(decision.plan)}` : ""}`
      : "";
  return blocks(
    `## ${text(descriptionOf({ ...decision, reason: "" }).replace(/\. $/, ""))}`,
    decision.reason === "" ? "" : `> ${text(decision.reason)}`,
    digests,
    `By ${text(run.actor)}, ${link(`run ${run.runId}`, runUrl)}, recorded as Deployment ${text(deployment)}.`,
    WHAT_FOLLOWS[decision.kind],
  );
}
