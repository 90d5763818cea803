/**
 * What staging's deployment rested on is kept for good, where the contract asks for that (`evidence`). The bytes are held
 * to the hash that the deploying job said in a step's name: whoever can push can add a file, and cannot write there.
 */
import { shortSha } from "../../short-sha.ts";
import { type Check, type CheckResult, conclude, type Problem, withFact } from "../check.ts";
import type { DocumentFacts, FoundDocument, SoughtDocument } from "../document-facts.ts";
import { placeFindings } from "../evidence-place.ts";
import type { GateFacts } from "../facts.ts";

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
  const judged = sought.map((one) => ({ one, problem: problemOf(one, facts, place.branch) }));
  const kept = judged.find(({ problem }) => problem === undefined)?.one;
  if (kept === undefined) {
    const problems = judged.flatMap(({ problem }) => problem ?? []);
    return conclude("evidence", { summary: "", problems: problems.length === 0 ? [noRun(facts)] : problems });
  }
  const { run, found } = kept;
  return conclude("evidence", {
    summary: `The evidence of run ${run.id}, which brought release ${shortSha(facts.candidate.release)} to ${facts.previous ?? "it"}, is kept on ${place.branch}.`,
    evidence: found === undefined ? [] : [{ label: `document of run ${run.id}`, url: found.url }],
  });
}

/** Why a run's document is not kept as it should be; undefined if it is. */
function problemOf({ run, digest, found }: SoughtDocument, facts: GateFacts, branch: string): Problem | undefined {
  const below = facts.previous ?? "the tier below";
  const ofRun = `of run ${run.id}, attempt ${run.attempt}, which brought the release to ${below},`;
  if (digest === undefined) {
    return {
      what: "unsaid",
      message: `The job ${ofRun} does not say which document it left.`,
      why: "Only what that job said of its document tells it from a file that somebody else pushed.",
      remedy: `Pin the suite's workflows to a release that says it, and promote to ${below} again.`,
    };
  }
  if (found === undefined) {
    return {
      what: "not-kept",
      message: `The evidence ${ofRun} is not on ${branch}.`,
      remedy: `Re-run the job of that run that calls keep.yml, then start a new run. If it has none, add one that needs the job of ${below}, and promote to ${below} again. If it was there and was removed, revert that commit: git log ${branch}.`,
    };
  }
  if (found.sha256 !== digest) {
    return {
      what: "changed",
      message: `${found.path} on ${branch} is not the evidence ${ofRun} whose SHA-256 is ${shortSha(digest)}: its own is ${shortSha(found.sha256)}.`,
      why: "Anybody with push access can change a file there by a commit on top, and nobody can take the old one out of the history.",
      remedy: `See who did: git log ${branch} -- ${found.path}. Revert that commit, then start a new run.`,
    };
  }
  const differ = differences(found, run, facts);
  if (differ.length === 0) return undefined;
  return {
    what: "other",
    message: `${found.path} on ${branch} is not the evidence of that deployment: ${differ.join(", ")}.`,
    remedy: `Pin all workflows of the suite to one commit, and promote to ${below} again.`,
  };
}

/** In what the document differs from the deployment that it should be of; clauses. */
function differences({ document }: FoundDocument, run: SoughtDocument["run"], facts: GateFacts): string[] {
  if (document === undefined) return ["it does not keep evidence.schema.json"];
  const { previous, project, candidate } = facts;
  return [
    document.kind === "promotion-evidence" || document.kind === "rollback-evidence" ? "" : "it is of no deployment",
    document.project === project ? "" : "it is of another project",
    document.tier === previous ? "" : "it is of another tier",
    document.release === candidate.release ? "" : "it is of another release",
    document.run.id === run.id && document.run.attempt === run.attempt ? "" : "it is of another run",
  ].filter((each) => each !== "");
}

function noRun({ candidate, previous }: GateFacts): Problem {
  return {
    what: "no-run",
    message: `No run is believed to have brought release ${shortSha(candidate.release)} to ${previous ?? "the tier below"}, so no document can be looked for.`,
    remedy: "Do what the check source says.",
  };
}
