/** The release stood and held in the tier below: verified as often and for as long as the contract asks. */
import { shortSha } from "../../short-sha.ts";
import {
  type Check,
  type CheckResult,
  conclude,
  evidenceOf,
  judgingProblems,
  type Problem,
  withFact,
} from "../check.ts";
import type { VerificationFacts } from "../decision-facts.ts";
import { believedSource, deployingJob } from "../evidence-run.ts";
import type { GateFacts, PolicyFacts, SourceQuestion } from "../facts.ts";
import type { RecordTier } from "../record-runs.ts";
import { duration, shownAt } from "../wall-clock.ts";

export const verification: Check = {
  id: "verification",
  title: "verified in the tier below, often and long enough",
  evaluate: verified,
};

/** What the check asks for: less than a gate has, so that whoever verified can ask the same. */
export interface VerificationQuestion
  extends SourceQuestion,
    Pick<GateFacts, "tier" | "stage" | "policy" | "verifications" | "now"> {}

/** The check itself. */
export function verified(facts: VerificationQuestion): CheckResult {
  const { previous } = facts;
  if (previous === undefined || previous === "sandbox") {
    return conclude("verification", { summary: `${facts.tier} has no tier below it.` });
  }
  return withFact("verification", facts.policy, (policy) =>
    withFact("verification", facts.verifications, (found) =>
      withFact("verification", facts.repository, () =>
        withFact("verification", facts.source, () =>
          withFact("verification", facts.below, ({ left }) => judge(facts, previous, policy, since(found, left?.at))),
        ),
      ),
    ),
  );
}

/** What was verified before a rollback away from it does not count after; the deployment after it is the first again. */
function since(found: VerificationFacts, left: string | undefined): VerificationFacts {
  if (left === undefined) return found;
  return { ...found, passed: found.passed.filter(({ at }) => Date.parse(at) > Date.parse(left)) };
}

function judge(facts: VerificationQuestion, below: RecordTier, policy: PolicyFacts, found: VerificationFacts) {
  const reached = reachedOf(facts, below, policy, found);
  const { failed, passed } = found;
  const about = { below, release: shortSha(facts.candidate.release), asked: policy.verifications };
  const evidence = [...passed, ...(failed === undefined ? [] : [failed])].map(evidenceOf);
  if (reached.enough && reached.soaked) {
    const since = reached.from === undefined ? "" : `, since ${shownAt("UTC", reached.from)}`;
    // What is missing beyond what was asked for does not matter; a failure that nobody can read might be one.
    const unread = found.unread.filter(({ claim }) => claim.kind === "verification" && !claim.passed);
    return conclude("verification", {
      summary: `${passedWords(about, reached.passes)}${since}.`,
      evidence,
      problems: judgingProblems({ ...found, unread, whole: true }, WORDS),
    });
  }
  const progress = progressWords(about, reached.passes);
  const failure =
    failed === undefined
      ? ""
      : ` The one of ${shownAt("UTC", Date.parse(failed.at))} failed; only what passed since counts.`;
  return conclude("verification", {
    summary: `${progress}.`,
    evidence,
    problems: [
      ...(reached.soaked ? [] : [soakProblem(facts, about, policy, reached.soakEnd, failure)]),
      ...(reached.enough ? [] : [tooFew(facts, about, failed !== undefined, `${progress}.${failure}`)]),
      ...judgingProblems(found, WORDS),
    ],
    notBefore: reached.enough ? reached.soakEnd : undefined,
  });
}

/** How far a release has come in the tier below; times are milliseconds since 1970. */
interface Reached {
  readonly passes: number;
  /** When it was verified first; undefined if never, or nobody knows when. */
  readonly from: number | undefined;
  readonly soakEnd: number | undefined;
  /** Verified as often as is asked, and for as long. */
  readonly enough: boolean;
  readonly soaked: boolean;
}

function reachedOf(
  facts: VerificationQuestion,
  below: RecordTier,
  { soakMs, verifications }: PolicyFacts,
  found: VerificationFacts,
): Reached {
  const passes = passesOf(facts, below, found);
  // A pass without a time counts as often as any, and never as long ago.
  const first = Date.parse(passes.find(({ at }) => at !== "")?.at ?? "");
  const from = Number.isNaN(first) ? undefined : first;
  const soakEnd = from === undefined ? undefined : from + soakMs;
  // Where no more is asked than the deployment itself, whether that is believed is for the check `source` to say.
  const deploymentOnly = verifications <= 1 && found.failed === undefined;
  return {
    passes: passes.length,
    from,
    soakEnd,
    enough: deploymentOnly || passes.length >= verifications,
    soaked: soakMs === 0 || (soakEnd !== undefined && soakEnd <= facts.now.getTime()),
  };
}

/** What sentences about a release in the tier below name. */
interface Named {
  readonly below: RecordTier;
  readonly release: string;
  /** How many verifications the contract asks for. */
  readonly asked: number;
}

/** Before the approval it is still time; only the promotion itself insists. */
function severityAt({ stage }: VerificationQuestion): "error" | "warning" {
  return stage === "promote" ? "error" : "warning";
}

function soakProblem(
  facts: VerificationQuestion,
  { below, release }: Named,
  { soakMs }: PolicyFacts,
  end: number | undefined,
  failure: string,
): Problem {
  const must = `Release ${release} must stand in ${below} for ${duration(soakMs)}`;
  return {
    what: "soak",
    severity: severityAt(facts),
    ...(end === undefined
      ? {
          message: `${must} after its first verification, and has none.${failure}`,
          remedy: `Verify it in ${below} first.`,
        }
      : {
          message: `${must}; that is reached at ${shownAt("UTC", end)}.${failure}`,
          remedy: `${facts.stage === "promote" ? "Start a new run" : "Approve"} after ${shownAt("UTC", end)}.`,
        }),
  };
}

function tooFew(facts: VerificationQuestion, { below }: Named, failed: boolean, message: string): Problem {
  return failed
    ? {
        what: "failed",
        message,
        remedy: `See why it failed. Fix it in a new release, or verify this one again in ${below} if the failure was not its own.`,
      }
    : {
        what: "too-few",
        severity: severityAt(facts),
        message,
        remedy: `Let verify.yml run in ${below}, by hand or on its schedule; then start a new run.`,
      };
}

function progressWords({ below, release, asked }: Named, passed: number): string {
  return `${release} has ${passed} of ${asked} ${asked === 1 ? "verification that is" : "verifications that are"} asked for in ${below}`;
}

function timesOf(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

/** More than are asked for are not looked for. */
function passedWords({ below, release, asked }: Named, passed: number): string {
  if (asked === 0) return `The gate asks for no verification of ${release} in ${below}`;
  // Whether it was deployed there, the check `source` says.
  if (passed === 0) return `The gate asks for no verification of ${release} in ${below} beyond its deployment`;
  return `${release} was verified ${passed > asked ? "at least " : ""}${timesOf(passed)} in ${below}`;
}

const WORDS = { noun: "how a verification ended" };

/**
 * The times of what counts, oldest first. The deployment is the first verification: it read back what it applied, and ran
 * what the contract wants verified. However often it was repeated, it counts once.
 */
function passesOf(
  facts: VerificationQuestion,
  below: RecordTier,
  { failed, passed }: VerificationFacts,
): { readonly at: string }[] {
  const runs = new Set(passed.map(({ claim }) => `${claim.run.id}.${claim.run.attempt}`));
  const deployed = believedSource(facts)
    .filter(({ claim }) => claim !== undefined && !runs.has(`${claim.runId}.${claim.attempt}`))
    .map((evidence) => ({ at: deployingJob(evidence, facts.suite, below)?.completedAt ?? "" }))
    .filter(({ at }) => failed === undefined || at > failed.at)
    .sort(byTime)
    .slice(0, 1);
  return [...deployed, ...passed].sort(byTime);
}

function byTime(a: { readonly at: string }, b: { readonly at: string }): number {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}
