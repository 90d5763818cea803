/**
 * Cleans sandboxes up (design 10): look → decide → warn, or remove what was warned of by an earlier run and is still
 * unused. A dry run writes nothing. One sandbox's trouble stops none of the others, and never more than `most` go at once.
 */
import type { Contract } from "./contract/model.ts";
import { type Catalog, listCatalogs } from "./databricks/unity.ts";
import { updateCatalog } from "./databricks/unity-write.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { type Finding, FourTierError } from "./findings.ts";
import { mapBounded } from "./http/pool.ts";
import type { LockOptions } from "./ledger/lock.ts";
import { DAY, type Decision, decide, type Rules } from "./sandboxes/decide.ts";
import { takeCensus } from "./sandboxes/deployed.ts";
import { isSandboxName, MARK, readMark } from "./sandboxes/mark.ts";
import { sandboxPrincipalOf } from "./sandboxes/principal.ts";
import { removeSandbox } from "./sandboxes/remove.ts";
import { type UsageQuestion, usageOf } from "./sandboxes/usage.ts";

export interface CleanRequest {
  /** As dev's principal. */
  readonly workspace: Workspace;
  /** The default branch's. */
  readonly contract: Contract;
  /** dev's application id, proven: it owns the sandboxes. */
  readonly principal: string;
  readonly dryRun: boolean;
  /** Sandboxes removed in one run, at most. */
  readonly most: number;
  readonly lock: Pick<LockOptions, "owner" | "runHasEnded" | "log" | "now">;
  readonly now: Date;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly log: { info(message: string): void };
}

/** One catalog that is a sandbox of ours or looks like one, and what became of it. */
export interface CleanRow {
  readonly catalog: string;
  readonly developer: string | undefined;
  readonly decision: Decision;
  /** `done`: as decided. `dry-run`: nothing was written. `postponed`: enough were removed. `failed`: a finding says why. */
  readonly outcome: "done" | "dry-run" | "postponed" | "failed";
  /** What was removed, in order. */
  readonly removed: readonly string[];
}

export interface CleanResult {
  readonly dryRun: boolean;
  readonly rows: readonly CleanRow[];
  readonly findings: readonly Finding[];
}

/** Sandboxes looked at, at a time. */
const PARALLEL = 4;
/** How far this machine's clock may be from the workspace's, in milliseconds. */
const SKEW = 5 * 60_000;

/** Cleans; throws FourTierError for what makes all decisions doubtful, before anything is written. */
export async function clean(request: CleanRequest): Promise<CleanResult> {
  const { workspace, contract, principal, now, log } = request;
  await checkClock(workspace, now);
  const { keepDays, graceDays } = contract.tiers.sandbox;
  const rules: Rules = { ours: { contract, owner: principal }, keepDays, graceDays, now };
  const question: UsageQuestion = {
    contract,
    census: await takeCensus(workspace, contract),
    sandboxPrincipal: await sandboxPrincipalOf(workspace, contract),
    now,
  };
  const candidates: Catalog[] = [];
  for await (const catalog of listCatalogs(workspace)) if (isCandidate(catalog, contract)) candidates.push(catalog);
  log.info(`${candidates.length} catalogs are sandboxes or are called like one`);
  const decided = await mapBounded(candidates, PARALLEL, async (catalog) => ({
    catalog,
    decision: decide(catalog, await usageOf(workspace, catalog, question), rules),
  }));
  const findings: Finding[] = [];
  const rows: CleanRow[] = [];
  let removals = 0;
  // The longest unused first; one after the other, so that whoever cancels knows where it stopped.
  for (const { catalog, decision } of decided.toSorted((a, b) => lastUseOf(a.decision) - lastUseOf(b.decision))) {
    const row = { catalog: catalog.name, developer: readMark(catalog.properties).developer, decision, removed: [] };
    if (decision.do === "ask") findings.push(asked(catalog, decision));
    if (request.dryRun) rows.push({ ...row, outcome: "dry-run" });
    else if (decision.do !== "remove")
      rows.push({ ...row, outcome: await written(request, rules, catalog, decision, findings) });
    else if (removals >= request.most) rows.push({ ...row, outcome: "postponed" });
    else {
      removals += 1;
      rows.push({ ...row, ...(await removed(request, rules, question, catalog, findings)) });
    }
    log.info(`${catalog.name}: ${decision.do} (${decision.why})`);
  }
  if (rows.some(({ outcome }) => outcome === "postponed")) findings.push(postponed(request.most));
  return { dryRun: request.dryRun, rows, findings };
}

/** Looked at and shown: what is called like a sandbox, and what carries this project's mark, whatever it is called. */
function isCandidate(catalog: Catalog, contract: Contract): boolean {
  return isSandboxName(catalog.name) || readMark(catalog.properties).project === contract.project;
}

/** Marks what was decided; nothing else of the sandbox is touched. */
async function written(
  { workspace }: CleanRequest,
  rules: Rules,
  catalog: Catalog,
  decision: Decision,
  findings: Finding[],
): Promise<CleanRow["outcome"]> {
  const properties = markAfter(catalog, decision, rules);
  if (properties === undefined) return "done";
  try {
    await updateCatalog(workspace, catalog.name, { properties });
    return "done";
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    findings.push(...error.findings);
    return "failed";
  }
}

/** All properties as they shall be after a decision; undefined if nothing changes by as much as a day. */
function markAfter(
  catalog: Catalog,
  decision: Decision,
  { now, keepDays, graceDays }: Rules,
): Record<string, string> | undefined {
  if (decision.do !== "keep" && decision.do !== "warn") return undefined;
  const mark = readMark(catalog.properties);
  const known = mark.lastUse === undefined ? 0 : Date.parse(mark.lastUse);
  const isWarning = decision.do === "warn";
  const stale = decision.lastUse - known >= DAY;
  if (!isWarning && !stale && !decision.unwarn) return undefined;
  const expires = isWarning ? now.getTime() + graceDays * DAY : decision.lastUse + keepDays * DAY;
  return {
    ...catalog.properties,
    [MARK.lastUse]: new Date(decision.lastUse).toISOString(),
    [MARK.expires]: new Date(expires).toISOString(),
    // Sent empty: a service that merges properties has no other way to take one back.
    [MARK.warned]: isWarning ? now.toISOString() : "",
    [MARK.removing]: "",
  };
}

async function removed(
  request: CleanRequest,
  rules: Rules,
  question: UsageQuestion,
  catalog: Catalog,
  findings: Finding[],
): Promise<Pick<CleanRow, "outcome" | "removed">> {
  const { workspace, lock, pause } = request;
  const done: string[] = [];
  try {
    await removeSandbox({ ...question, workspace, catalog, rules, lock, pause }, done);
    return { outcome: "done", removed: done };
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    findings.push(...error.findings);
    if (done.length > 0) findings.push(unfinished(catalog, done));
    return { outcome: "failed", removed: done };
  }
}

/** Every decision is one of days: a clock that is wrong by days would remove what was used yesterday. */
async function checkClock(workspace: Workspace, now: Date): Promise<void> {
  const answer = await workspace.call({ method: "GET", path: "/api/2.0/preview/scim/v2/Me" });
  const theirs = Date.parse(answer.header("date") ?? "");
  if (Number.isNaN(theirs) || Math.abs(theirs - now.getTime()) <= SKEW) return;
  throw new FourTierError({
    id: "sandbox/clock",
    severity: "error",
    message: `This runner's clock says ${now.toISOString()}, the workspace's ${new Date(theirs).toISOString()}. Nothing was looked at.`,
    why: "What is unused is told by dates.",
    remedy: "Set the runner's clock, then run this again.",
  });
}

function lastUseOf(decision: Decision): number {
  return "lastUse" in decision ? decision.lastUse : Number.POSITIVE_INFINITY;
}

function asked({ name }: Catalog, { id, why, remedy }: Extract<Decision, { do: "ask" }>): Finding {
  const message = `${name} is kept, since ${why}.`;
  return { id, severity: "unknown", where: { kind: "securable", type: "catalog", name }, message, remedy };
}

function postponed(most: number): Finding {
  return {
    id: "sandbox/cap",
    severity: "notice",
    message: `More sandboxes are due than the ${most} that one run removes.`,
    remedy: "The next runs remove them; or raise the input max for one run.",
  };
}

function unfinished({ name }: Catalog, done: readonly string[]): Finding {
  return {
    id: "sandbox/unfinished",
    severity: "error",
    where: { kind: "securable", type: "catalog", name },
    message: `The removal of ${name} stopped half way. Gone: ${done.join(", ")}.`,
    remedy: "Mend the cause and run this again: it goes on from there, if the sandbox is still unused.",
  };
}
