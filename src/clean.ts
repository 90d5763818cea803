/**
 * Cleans sandboxes up (design 10): look → decide → warn, or remove what was warned of by an earlier run and is still
 * unused. A dry run writes nothing. One sandbox's trouble stops none of the others, and never more than `most` go at once.
 */
import type { Contract } from "./contract/model.ts";
import { type Catalog, getCatalog, listCatalogs } from "./databricks/unity.ts";
import { updateCatalog } from "./databricks/unity-write.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { type Finding, FourTierError } from "./findings.ts";
import { mapBounded } from "./http/pool.ts";
import type { LockOptions } from "./ledger/lock.ts";
import { checkClock } from "./sandboxes/clock.ts";
import { type Decision, decide, type Rules, type Usage } from "./sandboxes/decide.ts";
import { type Deployed, takeCensus } from "./sandboxes/deployed.ts";
import { isSandboxName, readMark, whyNotOurs } from "./sandboxes/mark.ts";
import { changeAfter } from "./sandboxes/mark-after.ts";
import { sandboxPrincipalOf } from "./sandboxes/principal.ts";
import { removeSandbox } from "./sandboxes/remove.ts";
import { inspect, type UsageQuestion } from "./sandboxes/usage.ts";

/** What sandboxes are cleaned up with. */
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

/** What became of every sandbox that was looked at. */
export interface CleanResult {
  readonly dryRun: boolean;
  readonly rows: readonly CleanRow[];
  readonly findings: readonly Finding[];
}

/** Sandboxes looked at, at a time. */
const PARALLEL = 4;

/** Cleans; throws FourTierError for what makes all decisions doubtful, before anything is written. */
export async function clean(request: CleanRequest): Promise<CleanResult> {
  const { workspace, contract, principal, now, log } = request;
  if (contract.users.size === 0) throw new FourTierError(nobodyIsHere(contract));
  await checkClock(workspace, now);
  const { keepDays, graceDays } = contract.tiers.sandbox;
  const rules: Rules = { ours: { contract, owner: principal }, keepDays, graceDays, now };
  const census = await takeCensus(workspace, contract);
  const sandboxPrincipal = await sandboxPrincipalOf(workspace, contract);
  const all: Catalog[] = [];
  for await (const catalog of listCatalogs(workspace)) all.push(catalog);
  const candidates = all.filter((catalog) => isCandidate(catalog, contract));
  log.info(`${candidates.length} catalogs are sandboxes or are called like one`);
  const findings: Finding[] = orphans(census, all);
  const left = tooManyLeft(contract, candidates, rules.ours);
  if (left !== undefined) findings.push(left);
  const question: UsageQuestion = {
    contract,
    census,
    owner: principal,
    sandboxPrincipal,
    believeUsers: left === undefined,
    now,
  };
  const seen = await mapBounded(candidates, PARALLEL, async (catalog): Promise<Seen> => {
    const { usage } = await inspect(workspace, catalog, question);
    return { catalog, usage, decision: decide(catalog, usage, rules) };
  });
  const rows: CleanRow[] = [];
  let removals = 0;
  // The longest unused first; one after the other, so that whoever cancels knows where it stopped.
  for (const one of seen.toSorted((a, b) => lastUseOf(a.decision) - lastUseOf(b.decision))) {
    const row = await settle(request, rules, question, one, removals < request.most, findings);
    // What could not even be begun takes nobody else's turn.
    if (row.decision.do === "remove" && (row.outcome === "dry-run" || row.removed.length > 0)) removals += 1;
    rows.push(row);
    log.info(`${row.catalog}: ${row.decision.do} (${row.decision.why})`);
  }
  if (rows.some(({ outcome }) => outcome === "postponed")) findings.push(postponed(request.most));
  return { dryRun: request.dryRun, rows, findings };
}

/** A catalog as it was looked at, and what is to become of it. */
interface Seen {
  readonly catalog: Catalog;
  readonly usage: Usage;
  readonly decision: Decision;
}

/** Does with one catalog what was decided, if it may be done now. */
async function settle(
  request: CleanRequest,
  rules: Rules,
  question: UsageQuestion,
  seen: Seen,
  mayRemove: boolean,
  findings: Finding[],
): Promise<CleanRow> {
  const { catalog } = seen;
  let { decision } = seen;
  let outcome: CleanRow["outcome"] = "dry-run";
  let gone: readonly string[] = [];
  if (decision.do === "remove" && !mayRemove) outcome = "postponed";
  else if (!request.dryRun && decision.do === "remove") {
    ({ outcome, removed: gone } = await removed(request, question, rules, seen, findings));
  } else if (!request.dryRun) ({ decision, outcome } = await written(request, rules, seen, findings));
  if (decision.do === "ask") findings.push(asked(catalog, decision));
  const { developer } = readMark(catalog.properties);
  return { catalog: catalog.name, developer, decision, outcome, removed: gone };
}

/** Looked at and shown: what is called like a sandbox, and what carries this project's mark, whatever it is called. */
function isCandidate(catalog: Catalog, contract: Contract): boolean {
  return isSandboxName(catalog.name) || readMark(catalog.properties).project === contract.project;
}

/**
 * Marks what was decided; nothing else of the sandbox is touched. It is read and decided about once more for that, so that
 * what somebody has set since it was listed stays, and counts.
 */
async function written(
  { workspace, contract }: CleanRequest,
  rules: Rules,
  seen: Seen,
  findings: Finding[],
): Promise<Pick<CleanRow, "decision" | "outcome">> {
  if (changeAfter(seen.catalog, seen.decision, rules, contract) === undefined) {
    return { decision: seen.decision, outcome: "done" };
  }
  const { name } = seen.catalog;
  try {
    const catalog = await getCatalog(workspace, name);
    if (catalog === undefined) return { decision: { do: "nothing", why: "it is gone" }, outcome: "done" };
    const decision = decide(catalog, seen.usage, rules);
    const change = changeAfter(catalog, decision, rules, contract);
    if (change === undefined) return { decision, outcome: decision.do === "remove" ? "postponed" : "done" };
    const after = await updateCatalog(workspace, name, change);
    const lacks = Object.entries(change.properties ?? {}).filter(([key, value]) => after.properties[key] !== value);
    if (lacks.length === 0) return { decision, outcome: "done" };
    findings.push(
      notMarked(
        name,
        lacks.map(([key]) => key),
      ),
    );
    return { decision, outcome: "failed" };
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    findings.push(...error.findings);
    return { decision: seen.decision, outcome: "failed" };
  }
}

async function removed(
  request: CleanRequest,
  question: UsageQuestion,
  rules: Rules,
  { catalog, usage }: Seen,
  findings: Finding[],
): Promise<Pick<CleanRow, "outcome" | "removed">> {
  const { workspace, lock, pause } = request;
  const done: string[] = [];
  try {
    findings.push(...(await removeSandbox({ ...question, workspace, catalog, usage, rules, lock, pause }, done)));
    return { outcome: "done", removed: done };
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    findings.push(...error.findings);
    if (done.length > 0) findings.push(unfinished(catalog, done));
    return { outcome: "failed", removed: done };
  }
}

/**
 * What is deployed to sandboxes that are not there: a deployment that ended while its sandbox went, or a catalog
 * dropped by hand.
 */
function orphans(census: readonly Deployed[], catalogs: readonly Catalog[]): Finding[] {
  const names = new Set(catalogs.map(({ name }) => name.toLowerCase()));
  const lost = census.filter(({ developer }) => developer !== undefined && !names.has(`${developer}_sandbox`));
  const developers = [...new Set(lost.flatMap(({ developer }) => developer ?? []))].toSorted();
  return developers.map((developer) => {
    const left = lost.filter((each) => each.developer === developer);
    return {
      id: "sandbox/orphans",
      severity: "warning",
      where: { kind: "securable", type: "catalog", name: `${developer}_sandbox` },
      message: `There is no catalog ${developer}_sandbox, and this is deployed to it: ${left.map(({ kind, id, name }) => `${kind} ${id} "${name}"`).join(", ")}.`,
      remedy: "Delete it; or have the sandbox provisioned again, and start the caller `sandbox` with teardown.",
    };
  });
}

/**
 * One or two leave at a time. If most have left at once, `users` was more likely emptied by a wrong merge: then leaving
 * hurries nothing, and each sandbox stays as long as any other that nobody uses.
 */
function tooManyLeft(contract: Contract, candidates: readonly Catalog[], ours: Rules["ours"]): Finding | undefined {
  const own = candidates.filter((catalog) => whyNotOurs(catalog, ours).length === 0);
  const left = own
    .flatMap(({ properties }) => readMark(properties).developer ?? [])
    .filter((each) => !contract.users.has(each));
  if (left.length < 2 || left.length * 2 <= own.length) return undefined;
  return {
    id: "sandbox/many-left",
    severity: "warning",
    where: contract.at(["users"]),
    message: `${left.length} of ${own.length} sandboxes belong to people who are not among the contract's users: ${left.toSorted().join(", ")}.`,
    why: "So many seldom leave at once: they were taken as if they were still here, and their sandboxes are removed only once nobody has used them.",
    remedy: "Add who is still here to `users` again. If all have left, nothing: their sandboxes go as others do.",
  };
}

function lastUseOf(decision: Decision): number {
  return "lastUse" in decision ? decision.lastUse : Number.POSITIVE_INFINITY;
}

function asked({ name }: Catalog, { id, why, remedy }: Extract<Decision, { do: "ask" }>): Finding {
  const message = `${name} is kept, since ${why}.`;
  return { id, severity: "unknown", where: { kind: "securable", type: "catalog", name }, message, remedy };
}

function nobodyIsHere(contract: Contract): Finding {
  return {
    id: "sandbox/nobody",
    severity: "error",
    where: contract.at(["users"]),
    message:
      "The contract names no users, so everybody's sandbox would be taken for a leaver's. Nothing was looked at.",
    remedy:
      "Add `users: { <GitHub login>: <Databricks user name> }` to the contract; to remove the last sandboxes, name one user who has none.",
  };
}

function notMarked(name: string, properties: readonly string[]): Finding {
  return {
    id: "sandbox/not-marked",
    severity: "unknown",
    where: { kind: "securable", type: "catalog", name },
    message: `${name} was written, and does not show its properties ${properties.join(", ")} as they were written.`,
    remedy: "Run this again; if it stays, look who else writes this catalog's properties.",
  };
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
    message: `The removal of ${name} stopped halfway. Gone: ${done.join(", ")}.`,
    remedy:
      "Fix the cause and run this again: it goes on from there, if the sandbox is still unused. If it is used, provision it for its developer by name: only its data is lost.",
  };
}
