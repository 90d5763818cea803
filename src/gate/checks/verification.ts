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
  const passes = passesOf(facts, below, found);
  // A pass without a time counts as often as any, and never as long ago.
  const from = Date.parse(passes.find(({ at }) => at !== "")?.at ?? "");
  const reached = Number.isNaN(from) ? undefined : from + policy.soakMs;
  const asked = policy.verifications;
  // Where no more is asked than the deployment itself, whether that is believed is for the check `source` to say.
  const deploymentOnly = asked <= 1 && found.failed === undefined;
  const enough = deploymentOnly || passes.length >= asked;
  const soaked = policy.soakMs === 0 || (reached !== undefined && reached <= facts.now.getTime());
  const release = shortSha(facts.candidate.release);
  const progress = `${release} has ${passes.length} of ${asked} ${asked === 1 ? "verification that is" : "verifications that are"} asked for in ${below}`;
  const evidence = [...found.passed, ...(found.failed === undefined ? [] : [found.failed])].map(evidenceOf);
  if (enough && soaked) {
    // What is missing beyond what was asked for does not matter; a failure that nobody can read might be one.
    const unread = found.unread.filter(({ claim }) => claim.kind === "verification" && !claim.passed);
    const problems = judgingProblems({ ...found, unread, whole: true }, WORDS);
    const stood = Number.isNaN(from) ? "" : `, since ${shownAt("UTC", from)}`;
    return conclude("verification", {
      summary: `${passedWords(release, below, asked, passes.length)}${stood}.`,
      evidence,
      problems,
    });
  }
  // Before the approval it is still time; only the promotion itself insists.
  const severity = facts.stage === "promote" ? "error" : "warning";
  const problems: Problem[] = judgingProblems(found, WORDS);
  const failure =
    found.failed === undefined
      ? ""
      : ` The one of ${shownAt("UTC", Date.parse(found.failed.at))} failed; only what passed since counts.`;
  if (!enough) {
    problems.unshift({
      what: found.failed === undefined ? "too-few" : "failed",
      severity: found.failed === undefined ? severity : "error",
      message: `${progress}.${failure}`,
      remedy:
        found.failed === undefined
          ? `Let verify.yml run in ${below}, by hand or on its schedule; then start a new run.`
          : `See why it failed. Fix it in a new release, or verify this one again in ${below} if the failure was not its own.`,
    });
  }
  if (!soaked) {
    problems.unshift({
      what: "soak",
      severity,
      message:
        reached === undefined
          ? `Release ${release} must stand in ${below} for ${duration(policy.soakMs)} after its first verification, and has none.${failure}`
          : `Release ${release} must stand in ${below} for ${duration(policy.soakMs)}; that is reached at ${shownAt("UTC", reached)}.${failure}`,
      remedy:
        reached === undefined
          ? `Verify it in ${below} first.`
          : `${facts.stage === "promote" ? "Start a new run" : "Approve"} after ${shownAt("UTC", reached)}.`,
    });
  }
  return conclude("verification", {
    summary: `${progress}.`,
    evidence,
    problems,
    notBefore: enough ? reached : undefined,
  });
}

function timesOf(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

/** More than are asked for are not looked for. */
function passedWords(release: string, below: RecordTier, asked: number, passed: number): string {
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
