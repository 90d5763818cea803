/** Which evidence documents a run says it left: a file can be pushed by anybody, a step's name is its job's own. */
import type { EvidenceFacts, EvidenceJob } from "./evidence-facts.ts";
import { type Expectation, releasesOf } from "./evidence-run.ts";
import { jobsBehind } from "./jobs-behind.ts";
import { keepingStatement } from "./record-runs.ts";

/** A document that a job says it left. */
interface SaidDocument {
  readonly attempt: number;
  /** SHA-256 of its bytes. */
  readonly digest: string;
}

/**
 * The documents that the job behind a believed record says it left: in the record's own attempt, and in later ones of the
 * same run that ended well with the same release, and so found nothing to do. Newest first; empty if none is said.
 */
export function saidDocuments({ claim, run }: EvidenceFacts, expected: Expectation): SaidDocument[] {
  if (claim === undefined || run === undefined) return [];
  const attempts = [...new Set(run.jobs.map(({ attempt }) => attempt))].filter((attempt) => attempt >= claim.attempt);
  const newestFirst = attempts.sort((one, other) => other - one);
  return newestFirst.flatMap((attempt) => {
    const { jobs } = jobsBehind(run, { ...claim, attempt, tier: expected.tier }, expected);
    const counts = ({ conclusion, steps }: EvidenceJob): boolean =>
      attempt === claim.attempt || (conclusion === "success" && releasesOf(steps).includes(claim.release));
    const digests = jobs.filter(counts).flatMap(({ steps }) => digestsOf(steps));
    const [digest] = digests;
    return digest !== undefined && digests.length === 1 ? [{ attempt, digest }] : [];
  });
}

/** The hashes of documents in the names of steps that passed. */
function digestsOf(steps: EvidenceJob["steps"]): string[] {
  const passed = steps.filter(({ conclusion }) => conclusion === "success");
  return passed.flatMap(({ name }) => {
    const digest = /\b[0-9a-f]{64}$/.exec(name)?.[0];
    return digest !== undefined && name === keepingStatement(digest) ? [digest] : [];
  });
}
