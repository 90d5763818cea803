/** An auditor proved who can read and write the tier, as recently as the contract asks (`gate.estate`). */
import { type Check, conclude, evidenceOf, judgingProblems, type Problem, withFact } from "../check.ts";
import type { AuditFacts } from "../decision-facts.ts";
import type { GateFacts } from "../facts.ts";
import { duration, shownAt } from "../wall-clock.ts";

export const estate: Check = {
  id: "estate",
  title: "an auditor's estate proof is young enough",
  evaluate: (facts) =>
    withFact("estate", facts.policy, ({ estateMs }) =>
      estateMs === undefined
        ? conclude("estate", { summary: `The contract asks for no estate proof of ${facts.tier}.` })
        : withFact("estate", facts.audits, (audits) => judge(facts, estateMs, audits)),
    ),
};

const WORDS = { noun: "how an audit ended" };

function judge({ tier, now, stage }: GateFacts, estateMs: number, audits: AuditFacts) {
  const { newest } = audits;
  const problems: Problem[] = judgingProblems(audits, WORDS);
  const remedy = `Let audit.yml run for ${tier}, by hand or on its schedule; then start a new run.`;
  if (newest === undefined) {
    problems.unshift({ what: "none", message: `There is no estate proof of ${tier} that can be believed.`, remedy });
    return conclude("estate", { summary: "", problems });
  }
  const evidence = [evidenceOf(newest)];
  const at = Date.parse(newest.at);
  const when = Number.isNaN(at) ? "an unknown time" : shownAt("UTC", at);
  if (!newest.claim.passed) {
    problems.unshift({
      what: "failed",
      message: `The newest estate proof of ${tier}, of ${when}, did not pass.`,
      remedy: "Read its run: each finding there says what to fix. Then let audit.yml run again.",
    });
  } else if (!(now.getTime() - at <= estateMs)) {
    problems.unshift({
      what: "old",
      // Before the approval it is still time; only the promotion itself insists.
      severity: stage === "promote" ? "error" : "warning",
      message: `The newest estate proof of ${tier} is of ${when}, and may not be older than ${duration(estateMs)}.`,
      remedy,
    });
  }
  return conclude("estate", { summary: `The estate proof of ${tier}, of ${when}, passed.`, evidence, problems });
}
