/**
 * What staging's deployment rested on is kept for good, where the contract asks for that (`evidence`). The bytes are held
 * to the hash that the deploying job said in a step's name: whoever can push can add a file, and cannot write there.
 */
import { shortSha } from "../../short-sha.ts";
import { type Check, type CheckResult, conclude, type Problem, withFact } from "../check.ts";
import type { DocumentFacts } from "../document-facts.ts";
import { placeFindings } from "../evidence-place.ts";
import type { GateFacts } from "../facts.ts";
import { documentProblem } from "./evidence-document.ts";

export const evidence: Check = {
  id: "evidence",
  title: "the evidence of the tier below is kept where nobody can delete it",
  evaluate: (facts) =>
    withFact("evidence", facts.policy, ({ evidenceBranch }) =>
      evidenceBranch === undefined
        ? conclude("evidence", { summary: "The contract asks for no evidence to be kept." })
        : withFact("evidence", facts.documents, (documents) => judge(facts, documents)),
    ),
};

function judge(facts: GateFacts, { place, sought }: DocumentFacts): CheckResult {
  const findings = placeFindings(place);
  if (findings.length > 0) return conclude("evidence", { summary: "", findings });
  const { previous, project, candidate } = facts;
  const about = { tier: previous ?? "the tier below", project, release: candidate.release };
  const judged = sought.map((one) => ({ one, problem: documentProblem(one, about, place.branch) }));
  const kept = judged.find(({ problem }) => problem === undefined)?.one;
  if (kept === undefined) {
    const problems = judged.flatMap(({ problem }) => problem ?? []);
    return conclude("evidence", { summary: "", problems: problems.length === 0 ? [noRun(facts)] : problems });
  }
  const { run, found } = kept;
  return conclude("evidence", {
    summary: `The evidence of run ${run.id}, which brought release ${shortSha(about.release)} to ${about.tier}, is kept on ${place.branch}.`,
    evidence: found === undefined ? [] : [{ label: `document of run ${run.id}`, url: found.url }],
  });
}

function noRun({ candidate, previous }: GateFacts): Problem {
  return {
    what: "no-run",
    message: `No run is believed to have brought release ${shortSha(candidate.release)} to ${previous ?? "the tier below"}, so no document can be looked for.`,
    remedy: "Do what the check source says.",
  };
}
