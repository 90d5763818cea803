/**
 * One comment on each merged pull request that says where its change is, written when a tier got another release and kept
 * right since. What it says is what runs prove (src/release/whereabouts.ts); whatever hinders it is a warning, since no
 * promotion depends on it.
 */
import { type Finding, FourTierError } from "./findings.ts";
import type { RecordTier } from "./gate/record-runs.ts";
import type { GitHub } from "./github/client.ts";
import { type Comment, commentOnIssue, listComments, updateComment } from "./github/issues.ts";
import { isWorkflow } from "./login.ts";
import { keyOf, markOf } from "./own-mark.ts";
import { findTargets, MOST_PULLS, type Target } from "./release/comment-targets.ts";
import type { Brought } from "./release/history.ts";
import { blocks, link, table, text } from "./report/markdown.ts";
import { pullComment } from "./report/pull-comment.ts";
import type { ActionResult } from "./report/report.ts";
import { lookAtTiers } from "./what-runs-where.ts";

/** Comments of one pull request that are looked through for ours. */
const MOST_COMMENTS = 500;
/** Between two writes, in milliseconds: GitHub slows down who writes more than one a second (facts: github 6). */
const BETWEEN_WRITES_MS = 1_000;
/** What hinders one pull request alone: the next may still be commented. */
const OF_ONE = ["github/locked", "github/not-found", "github/api"];

/** After what pull requests are commented, and with what. */
export interface CommentRequest {
  readonly github: GitHub;
  /** The tier that got another release, or whose holds changed. */
  readonly tier: RecordTier;
  /** The contract's file, a path from the repository root. */
  readonly contract: string;
  readonly allowedHosts: readonly string[];
  readonly log: { info(message: string): void };
  readonly signal: AbortSignal;
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

type Outcome = "written" | "rewritten" | "as it was" | "has none" | "not written";

/** Comments on the pull requests. Throws nothing that GitHub or the contract is the cause of: that is a warning. */
export async function commentOnPulls(request: CommentRequest): Promise<ActionResult> {
  const findings: Finding[] = [];
  let targets: readonly Target[] = [];
  try {
    const { tiers } = await lookAtTiers(request.github, request);
    const own = tiers.find(({ tier }) => tier === request.tier)?.found;
    if (own?.known === false) findings.push(notRead({ message: own.why, remedy: own.remedy }));
    const found = await findTargets(request.github, tiers, request.tier);
    targets = found.targets;
    if (found.passed > 0) findings.push(tooMany(found.passed));
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    findings.push(...error.findings.map(notRead));
  }
  const outcomes = await writeAll(request, targets, findings);
  const count = (...which: readonly Outcome[]): number =>
    outcomes.filter(({ outcome }) => which.includes(outcome)).length;
  return {
    findings,
    outputs: { commented: String(count("written", "rewritten")) },
    summary: blocks(
      outcomes.length === 0 ? `No pull request is known whose change came into ${text(request.tier)} or left it.` : "",
      table(
        ["Pull request", "Comment"],
        outcomes.map(({ pull, outcome }) => [link(`#${pull.number}`, pull.url), text(outcome)]),
      ),
    ),
    report: {
      tier: request.tier,
      pulls: outcomes.map(({ pull, outcome }) => ({ number: pull.number, comment: outcome })),
    },
  };
}

/** One after the other: what hinders all ends it. */
async function writeAll(
  request: CommentRequest,
  targets: readonly Target[],
  findings: Finding[],
): Promise<{ readonly pull: Brought; readonly outcome: Outcome }[]> {
  const { log, signal, pause } = request;
  const outcomes: { pull: Brought; outcome: Outcome }[] = [];
  let wrote = false;
  const write = async (send: () => Promise<void>): Promise<void> => {
    if (wrote) await pause(BETWEEN_WRITES_MS, signal);
    wrote = true;
    await send();
  };
  for (const [index, target] of targets.entries()) {
    const { pull } = target;
    const rest = targets.slice(index);
    if (signal.aborted) {
      findings.push(stopped(rest, { message: "The run was cancelled.", remedy: "Nothing to fix." }));
      break;
    }
    try {
      const outcome = await keepComment(request, target, write);
      outcomes.push({ pull, outcome });
      log.info(`#${pull.number}: the comment is ${outcome}`);
      if (outcome === "not written") findings.push(unseen(pull));
    } catch (error) {
      if (!(error instanceof FourTierError)) throw error;
      const [cause] = error.findings;
      if (cause === undefined) throw error;
      if (!OF_ONE.includes(cause.id)) {
        findings.push(stopped(rest, cause));
        break;
      }
      outcomes.push({ pull, outcome: "not written" });
      findings.push(warning("comment/not-written", `The comment on #${pull.number} was not written`, cause));
    }
  }
  return outcomes;
}

/** Writes or rewrites the one comment; what says the same already is left as it is. */
async function keepComment(
  { github, contract }: CommentRequest,
  { pull, places, moved }: Target,
  write: (send: () => Promise<void>) => Promise<void>,
): Promise<Outcome> {
  const marker = markOf({ about: "release", key: keyOf(contract) });
  const body = pullComment(places, marker);
  // Ours was written after the merge, so what nobody has touched since is not asked for.
  const { found, partly } = await ownComments(listComments(github, pull.number, pull.mergedAt), marker);
  const [standing, ...doubles] = found;
  if (standing === undefined) {
    if (partly) return "not written";
    if (!moved) return "has none";
    await write(() => commentOnIssue(github, pull.number, body, "pull-requests: write"));
    return "written";
  }
  // Two runs at once may each have written one: the later ones say where it goes on.
  const pointer = blocks(marker, `Goes on in ${link("this comment", standing.url)}.`);
  const wanted = [{ ...standing, wanted: body }, ...doubles.map((double) => ({ ...double, wanted: pointer }))];
  const stale = wanted.filter((comment) => comment.body !== comment.wanted);
  for (const comment of stale) await write(() => updateComment(github, comment.id, comment.wanted));
  return stale.length > 0 ? "rewritten" : "as it was";
}

/** Ours among them, oldest first. */
async function ownComments(
  comments: AsyncIterable<Comment>,
  marker: string,
): Promise<{ readonly found: readonly Comment[]; readonly partly: boolean }> {
  const found: Comment[] = [];
  let seen = 0;
  for await (const comment of comments) {
    if (seen === MOST_COMMENTS) return { found, partly: true };
    seen += 1;
    if (isOwn(comment, marker)) found.push(comment);
  }
  return { found, partly: false };
}

/**
 * Ours: written by a job's token, and begun with our mark. Anybody can copy the mark into a comment of their own, and
 * another workflow can quote it further down in one of its: neither is ours to overwrite.
 */
export function isOwn({ author, body }: Pick<Comment, "author" | "body">, marker: string): boolean {
  return isWorkflow(author) && body.split(/\r?\n/, 1)[0] === marker;
}

function warning(
  id: string,
  what: string,
  { message, remedy, where }: Pick<Finding, "message" | "remedy" | "where">,
): Finding {
  return { id, severity: "warning", ...(where === undefined ? {} : { where }), message: `${what}: ${message}`, remedy };
}

function notRead(cause: Pick<Finding, "message" | "remedy" | "where">): Finding {
  return warning("comment/not-read", "No pull request was commented", cause);
}

function stopped(rest: readonly Target[], cause: Pick<Finding, "message" | "remedy" | "where">): Finding {
  const numbers = rest.map(({ pull }) => `#${pull.number}`).join(", ");
  return warning("comment/not-written", `Not commented any more: ${numbers}`, cause);
}

function unseen({ number }: Brought): Finding {
  return {
    id: "comment/not-written",
    severity: "warning",
    message: `#${number} got no comment: it has more than ${MOST_COMMENTS} since it was merged, and whether ours is among the later ones nobody looked.`,
    remedy: "Nothing to fix: the job summaries of the runs say where the change is.",
  };
}

function tooMany(passed: number): Finding {
  return {
    id: "comment/too-many",
    severity: "warning",
    message: `Only the newest ${MOST_PULLS} pull requests are commented; ${passed} older ones, or commits that were not asked for theirs, were passed over.`,
    remedy: "Promote more often, or look at the brief, which lists the commits.",
  };
}
