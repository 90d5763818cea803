/** Of the check `approval`: people approve the digests of the brief, each by a run of operate.yml. */
import type { ApproverPolicy } from "../../contract/model.ts";
import { distinctLogins, isAmong, isSameLogin } from "../../login.ts";
import { isPerson, logins, mayApprove, namedLeft, openingOf, startersOf, wrote } from "../approvers.ts";
import { type CheckResult, conclude, evidenceOf, judgingProblems, type Problem } from "../check.ts";
import type { CollectedFacts } from "../decision-facts.ts";
import type { ApprovalFacts, GateFacts } from "../facts.ts";
import { DAY_MS, duration, shownAt } from "../wall-clock.ts";
import { authorProblems, notNamed, reviewEvidence, starterProblems, summaryOf } from "./approval-people.ts";

/** People, each once: those who gave the digests, and a reviewer of this very attempt. */
export function dispatch(
  facts: GateFacts,
  policy: ApproverPolicy,
  reviews: readonly ApprovalFacts[],
  collected: CollectedFacts,
): CheckResult {
  const tally = tallyOf(facts, policy, reviews, collected);
  const { reviewed, outsiders, able, named, counting } = tally;
  const enough = counting.length >= policy.count;
  return conclude("approval", {
    summary: summaryOf(facts, counting),
    evidence: [...able.map(({ record }) => evidenceOf(record)), ...reviewed.map(reviewEvidence)],
    problems: [
      ...starterProblems(facts),
      ...(enough ? [] : missingProblems(facts, policy, collected, tally)),
      ...outsiders.map((outsider) => outsiderProblem(outsider, enough)),
      ...authorProblems(facts, policy, named),
      ...judgingProblems(
        // Once enough people approved, what else somebody wrote does not matter.
        enough ? { ...collected, unread: [], whole: true } : collected,
        { noun: "that these digests are approved" },
      ),
    ],
  });
}

/** What was given, and what of it counts. */
interface Tally {
  /** Who asked for the run: their approval is of what is their own. */
  readonly requester: string;
  /** Reviews of this very attempt, by others than those who started it. */
  readonly reviewed: readonly ApprovalFacts[];
  /** Of the digests' approvals those that are over, those by who may not write, and the others. */
  readonly past: CollectedFacts["approved"];
  readonly outsiders: CollectedFacts["approved"];
  readonly able: CollectedFacts["approved"];
  /** Who may approve and did, each once; of them those whom the contract names, and of these who did not write it. */
  readonly people: readonly string[];
  readonly named: readonly string[];
  readonly counting: readonly string[];
}

function tallyOf(
  facts: GateFacts,
  policy: ApproverPolicy,
  reviews: readonly ApprovalFacts[],
  { approved }: CollectedFacts,
): Tally {
  const { run } = facts;
  const starters = startersOf(facts);
  const opening = openingOf(facts);
  const requester = opening === undefined ? run.actor : (opening.by ?? "");
  const reviewed = run.attempt > 1 ? [] : reviews.filter(({ user }) => isPerson(user) && !isAmong(starters, user));
  // Whoever runs a failed job again asked for nothing new: only the run's own starter is left out.
  const given = approved.filter(({ record }) => isPerson(record.by) && !isSameLogin(record.by, requester));
  const past = given.filter(({ record }) => isPast(facts, record.at));
  const valid = given.filter((each) => !past.includes(each));
  const outsiders = valid.filter(({ mayWrite }) => mayWrite !== true);
  const able = valid.filter(({ mayWrite }) => mayWrite === true);
  const people = distinctLogins([...able.map(({ record }) => record.by ?? ""), ...logins(reviewed)]);
  const named = people.filter((login) => mayApprove(policy, login));
  const counting = policy.notAuthor ? named.filter((login) => !wrote(facts, login)) : named;
  return { requester, reviewed, past, outsiders, able, people, named, counting };
}

/** That too few approved, and why what was given does not count. */
function missingProblems(
  facts: GateFacts,
  policy: ApproverPolicy,
  { approved }: CollectedFacts,
  { requester, past, people, counting }: Tally,
): Problem[] {
  const { run, candidate } = facts;
  const bySelf = approved.some(({ record }) => isSameLogin(record.by, requester));
  const left = namedLeft(facts, policy, requester);
  const strangers = people.filter((login) => !mayApprove(policy, login));
  return [
    {
      what: "missing",
      message: `${counting.length} of ${policy.count} people approved release ${candidate.release} for ${facts.environment}${counting.length === 0 ? "" : `: ${counting.join(", ")}`}.`,
      why: "Each approval is a run of operate.yml on the default branch by another person who may write, with the digests of the brief.",
      remedy: `After reading the brief, each runs the caller of operate.yml: operation approve, tier ${facts.tier}, release-digest ${candidate.release}${facts.plan.known ? `, plan-digest ${facts.plan.value.digest}` : ", and the brief's plan-digest"}. Then re-run the failed job.`,
    },
    ...(bySelf
      ? [
          {
            what: "self",
            message: `${run.actor}, who started this run, approved it; that does not count.`,
            remedy: "Have somebody else approve.",
          },
        ]
      : []),
    ...(past.length > 0 ? [pastProblem(facts, past)] : []),
    ...(left !== undefined && left.length < policy.count ? [nobodyLeft(facts, policy, left)] : []),
    ...(strangers.length > 0 ? [notNamed(facts, policy, strangers)] : []),
  ];
}

/** Who may not write does no harm where enough others approved. */
function outsiderProblem({ record, mayWrite }: CollectedFacts["approved"][number], enough: boolean): Problem {
  return {
    what: "outsider",
    severity: mayWrite === undefined && !enough ? "unknown" : "warning",
    message:
      mayWrite === undefined
        ? `GitHub does not say whether ${record.by ?? "?"}, who approved, may still write to this repository.`
        : `${record.by ?? "?"}, who approved, may not write to this repository any more.`,
    remedy: "Have somebody approve who may.",
  };
}

/** As long as GitHub lets a job wait for its environment's reviewers. */
const VALID_MS = 30 * DAY_MS;

/**
 * Whether an approval is over: what was approved was to replace what the tier had then. So a rollback ends it, though the
 * plan from there may be the very same again. What the candidate's own promotion changed ends nothing.
 */
function isPast({ order, candidate, now }: GateFacts, at: string): boolean {
  const current = order.known ? order.value.current : undefined;
  const changed = current?.release === candidate.release ? undefined : current?.at;
  const given = Date.parse(at);
  return now.getTime() - given > VALID_MS || (changed !== undefined && given <= Date.parse(changed));
}

function pastProblem({ order, tier }: GateFacts, past: CollectedFacts["approved"]): Problem {
  const changed = order.known ? order.value.current?.at : undefined;
  const given = past.map(({ record }) => `${record.by ?? "?"} (${shownAt("UTC", Date.parse(record.at))})`).join(", ");
  return {
    what: "past",
    severity: "warning",
    message: `${given} approved it, and that is over: an approval holds for ${duration(VALID_MS)}, and until ${tier} changes${changed === undefined ? "" : `; it last did at ${shownAt("UTC", Date.parse(changed))}`}.`,
    why: "It was given for what the tier had then; a rollback since says that something was wrong with it.",
    remedy: "Read the new brief, and approve again.",
  };
}

function nobodyLeft({ tier, environment }: GateFacts, policy: ApproverPolicy, left: readonly string[]): Problem {
  return {
    what: "nobody-left",
    message: `Of ${policy.from.join(", ")}, whose approval counts for ${environment}, ${left.length === 0 ? "nobody" : `only ${left.join(", ")}`} neither started this run${policy.notAuthor ? " nor wrote commits of the release" : ""}; ${policy.count} must approve.`,
    remedy: `Let somebody else start the run, or name more people in tiers.${tier}.gate.approvers.from on the default branch.`,
  };
}
