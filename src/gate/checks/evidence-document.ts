/** Whether the document of a run that brought a release to a tier is kept as it should be; else why not, and what to do. */
import { shortSha } from "../../short-sha.ts";
import type { Problem } from "../check.ts";
import type { FoundDocument, SoughtDocument } from "../document-facts.ts";

/** What the document must be of. */
interface About {
  /** The tier's name, for sentences, too. */
  readonly tier: string;
  readonly project: string;
  readonly release: string;
}

/** Why a run's document is not kept as it should be; undefined if it is. */
export function documentProblem(
  { run, digest, found }: SoughtDocument,
  about: About,
  branch: string,
): Problem | undefined {
  const { tier } = about;
  const ofRun = `of run ${run.id}, attempt ${run.attempt}, which brought the release to ${tier},`;
  if (digest === undefined) {
    return {
      what: "unsaid",
      message: `The job ${ofRun} does not say which document it left.`,
      why: "Only what that job said of its document tells it from a file that somebody else pushed.",
      remedy: `Pin the suite's workflows to a release that says it, and promote to ${tier} again.`,
    };
  }
  if (found === undefined) {
    return {
      what: "not-kept",
      message: `The evidence ${ofRun} is not on ${branch}.`,
      remedy: `Re-run the job of that run that calls keep.yml, then start a new run. If it has none, add one that needs the job of ${tier}, and promote to ${tier} again. If it was there and was removed, revert that commit: git log ${branch}.`,
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
  const differ = differences(found, run, about);
  if (differ.length === 0) return undefined;
  return {
    what: "other",
    message: `${found.path} on ${branch} is not the evidence of that deployment: ${differ.join(", ")}.`,
    remedy: `Pin all workflows of the suite to one commit, and promote to ${tier} again.`,
  };
}

/** In what the document differs from the deployment that it should be of; clauses. */
function differences({ document }: FoundDocument, run: SoughtDocument["run"], about: About): string[] {
  if (document === undefined) return ["it does not keep evidence.schema.json"];
  return [
    document.kind === "promotion-evidence" || document.kind === "rollback-evidence" ? "" : "it is of no deployment",
    document.project === about.project ? "" : "it is of another project",
    document.tier === about.tier ? "" : "it is of another tier",
    document.release === about.release ? "" : "it is of another release",
    document.run.id === run.id && document.run.attempt === run.attempt ? "" : "it is of another run",
  ].filter((each) => each !== "");
}
