/**
 * Holds on schedules (design 9): `takeHold` pauses what a selector names and records who, why and until when; `liftHolds`
 * gives back exactly the mix that was there before. Both work under the tier's lock: no promotion runs meanwhile.
 *
 *   look → ledger (the prior mix is safe) → pause → record          restore → ledger → record
 */
import type { Contract, Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { type Finding, FourTierError } from "./findings.ts";
import { type Hold, type HoldOrigin, holdId } from "./ledger/holds.ts";
import type { LockedLedger } from "./ledger/locked.ts";
import type { Ledger } from "./ledger/model.ts";
import type { ApplyOptions } from "./schedules/apply.ts";
import { carryOut, remember } from "./schedules/carry-out.ts";
import { names, priorMix } from "./schedules/holds.ts";
import { observe, type Scope } from "./schedules/observe.ts";
import { decide } from "./schedules/policy.ts";
import { liftAndSave, recorded } from "./schedules/restore.ts";
import { policyOf, rowOf, type SchedulesResult } from "./schedules.ts";
import { shortSha } from "./short-sha.ts";

interface Request extends ApplyOptions {
  readonly workspace: Workspace;
  readonly tier: Tier;
  /** Application id of the tier's principal. */
  readonly principal: string;
  readonly contract: Pick<Contract, "schedules">;
  /** Runs work on the tier's ledger under its lock. */
  readonly locked: <T>(work: (ledger: LockedLedger) => Promise<T>) => Promise<T>;
  /** Records what was decided, and gives the record's id: the run behind it is the proof. */
  readonly record: (hold: Hold) => Promise<string>;
  readonly run: { readonly id: string; readonly attempt: number };
  readonly now: Date;
  readonly log: { info(message: string): void };
}

/** What is to be held, and by whom. */
export interface HoldRequest extends Request {
  readonly scope: Scope;
  /** `all`, `name:<pattern>`, `tag:<key>[=<value>]`. */
  readonly selector: string;
  readonly reason: string;
  /** GitHub login. */
  readonly by: string;
  readonly until: Date | undefined;
  /** What makes it, if no person asked for a hold. */
  readonly origin?: HoldOrigin;
  /** The release that a rollback goes back to, 64 hex. */
  readonly goal?: string;
}

interface ResumeRequest extends Request {
  /** `all`, an id or its first digits; empty: the only one there is. */
  readonly hold: string;
  /** What cannot be given back is left as it is, and no longer held. */
  readonly giveUp?: boolean;
}

/** The tier's schedules after a hold was taken or lifted. */
export interface HoldResult extends SchedulesResult {
  /** The holds that were made or lifted. */
  readonly touched: readonly Hold[];
}

/** Pauses what the selector names and keeps it so. Throws FourTierError if it names nothing or the tier stays locked. */
export async function takeHold(request: HoldRequest): Promise<HoldResult> {
  return request.locked((ledger) => hold(request, ledger));
}

async function hold(request: HoldRequest, ledger: LockedLedger): Promise<HoldResult> {
  const { workspace, tier, scope, selector, now, log } = request;
  const { resources, findings: unread } = await observeFor(request, ledger.current(), scope);
  const selected = resources.filter((resource) => names({ scope, selector }, resource));
  if (selected.length === 0 && selector !== "all") throw new FourTierError(matchesNothing(request, resources.length));
  const standing = ledger.current().holds;
  // A run that is started again takes up its own hold: what it met first is the prior mix.
  const own = standing.find(
    (each) =>
      each.kind === "schedules" &&
      each.remainder === undefined &&
      each.run.id === request.run.id &&
      each.selector === selector &&
      each.scope === scope,
  );
  const made = own ?? newHold(request, priorMix(selected, standing));
  if (own === undefined) await ledger.save({ ...ledger.current(), holds: [...standing, made] });
  log.info(
    `${own === undefined ? "Holding" : "Still holding"} ${selector} in ${tier.name}: ${selected.length} jobs and pipelines`,
  );

  const decisions = decide(selected, policyOf(tier, ledger.current().holds), now);
  await remember(ledger, decisions);
  const applied = await carryOut(workspace, tier, decisions, ledger, request, log);
  const findings = [...applied.values()].flatMap(({ finding }) => (finding === undefined ? [] : [finding]));
  // Whether what cannot be read is paused is not known, whatever the tier wants of it otherwise.
  findings.push(...unread.map((finding) => ({ ...finding, severity: "unknown" as const })));
  return {
    tier: tier.name,
    scope,
    seen: resources.length,
    rows: decisions.map((decision) => rowOf(decision, applied.get(decision))),
    holds: ledger.current().holds,
    touched: [made],
    history: new Map(),
    notLookedAt: 0,
    now,
    // It stands once the ledger has it, whether or not everything is paused by now.
    findings: [...findings, ...(await recorded(tier.name, () => request.record(made)))],
  };
}

/** Gives back what holds have kept paused. Throws FourTierError if there is no such hold or the tier stays locked. */
export async function liftHolds(request: ResumeRequest): Promise<HoldResult> {
  return request.locked((ledger) => lift(request, ledger));
}

async function lift(request: ResumeRequest, ledger: LockedLedger): Promise<HoldResult> {
  const { workspace, tier, now, log } = request;
  const standing = ledger.current().holds;
  const lifted = chosen(request, standing);
  const remaining = standing.filter((each) => !lifted.includes(each));
  const scope = lifted.some((each) => each.scope === "workspace") ? "workspace" : "project";
  const { resources } = await observeFor(request, ledger.current(), scope);
  const policy = policyOf(tier, remaining);
  const result = await liftAndSave(workspace, lifted, {
    resources,
    ledger,
    policy,
    now,
    options: request,
    giveUp: request.giveUp ?? false,
  });
  for (const { decision, outcome } of result.rows) log.info(`${decision.resource.name}: ${outcome}`);
  const findings: Finding[] = [...result.findings];
  const [first] = result.lifted; // All at once is one record.
  if (first !== undefined) findings.push(...(await recorded(tier.name, () => request.record(first))));
  return {
    tier: tier.name,
    scope,
    seen: resources.length,
    rows: result.rows,
    holds: result.standing,
    touched: lifted,
    history: new Map(),
    notLookedAt: 0,
    now,
    findings,
  };
}

function observeFor({ workspace, tier, principal, contract }: Request, ledger: Ledger, scope: Scope) {
  return observe(workspace, { tier, principal, ledger, names: contract.schedules.names }, scope);
}

function newHold(request: HoldRequest, prior: Hold["prior"]): Hold {
  const { tier, scope, selector, reason, by, run, now, origin, goal } = request;
  const until = request.until?.toISOString();
  const at = now.toISOString();
  const says = {
    project: tier.project,
    tier: tier.name,
    scope,
    selector,
    reason,
    by,
    at,
    until: until ?? null,
    run: run.id,
  };
  const id = holdId(says);
  const hold = { id, kind: "schedules" as const, selector, scope, reason, by, at, until, run: { ...run }, prior };
  return { ...hold, ...(origin === undefined ? {} : { origin }), ...(goal === undefined ? {} : { goal }) };
}

/** The holds on schedules that an input means. */
function chosen({ hold, tier }: ResumeRequest, standing: readonly Hold[]): readonly Hold[] {
  const ours = standing.filter(({ kind }) => kind === "schedules");
  const [only, ...others] = hold === "all" || hold === "" ? ours : ours.filter(({ id }) => id.startsWith(hold));
  if (only !== undefined && (others.length === 0 || hold === "all")) return [only, ...others];
  const list = ours.map(({ id, selector, by, reason }) => `${shortSha(id)} (${selector}, by ${by}: ${reason})`);
  throw new FourTierError({
    id: "schedules/which-hold",
    severity: "error",
    message:
      ours.length === 0
        ? `No hold keeps schedules of ${tier.name} paused.`
        : `${only === undefined ? `No hold of ${tier.name} begins with ${hold}` : `More than one hold stands in ${tier.name}`}: ${list.join("; ")}.`,
    remedy:
      ours.length === 0 ? "Nothing is to be lifted." : "Give the input hold the first digits of one of them, or all.",
  });
}

function matchesNothing({ selector, tier, scope }: HoldRequest, seen: number): Finding {
  return {
    id: "schedules/hold-matches-nothing",
    severity: "error",
    message: `${selector} matches none of the ${seen} jobs and pipelines ${scope === "project" ? "of this project" : "that can be seen"} in ${tier.name}.`,
    remedy:
      "Correct the selector: `all`, `name:` with a name, a key (jobs.score) or a pattern with *, or `tag:` with a key or key=value.",
  };
}
