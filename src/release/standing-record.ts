/**
 * The record of the promotion that brought a tier what it has, where it still stands: what that run proved, a promotion
 * with nothing to do need not prove again (ADR 814).
 */
import { deployingTime, doubts } from "../gate/evidence-run.ts";
import type { EarlierProof } from "../gate/live-facts.ts";
import type { GitHub } from "../github/client.ts";
import { type Deployment, listDeployments } from "../github/deployments.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import { parseRecord, type RecordPayload, TASK } from "./evidence.ts";
import { suiteOf } from "./gate-policy.ts";
import { evidenceReader, runReader } from "./read-evidence.ts";
import { readRepository } from "./read-repository.ts";

/** How long a proof of grants is rested on, in milliseconds: a day, as an audit and the search for drift come every day. */
export const RESTED_ON_MS = 24 * 60 * 60 * 1000;

/** Deployments of other projects that are passed over. */
const MOST_PASSED = 100;

/** What is asked about. */
interface StandingQuestion {
  readonly project: string;
  readonly tier: RecordPayload["tier"];
  /** Commits of the suite that the release's own contract trusts. */
  readonly suiteCommits: readonly string[];
  /** What the tier's ledger says it has: it names the run, and GitHub is asked about that. */
  readonly release: LedgerRelease;
  readonly now: Date;
}

/**
 * What the run proved that brought this release: if the tier's newest record is the one that it left, and would let the
 * release into the next tier today; if it broke no glass about grants; if it began less than a day ago; and if the commit
 * is still the head of the default branch. Undefined otherwise. Throws FourTierError `github/…`.
 */
export async function standingRecord(github: GitHub, question: StandingQuestion): Promise<EarlierProof | undefined> {
  const { project, tier, release, now } = question;
  const newest = await newestRecord(github, tier, project);
  if (newest?.record?.kind !== "promotion") return undefined;
  const { deployment, record } = newest;
  const { run, overrides = [] } = record;
  if (run.id !== release.run.id || run.attempt !== release.run.attempt) return undefined;
  if (overrides.some(({ check }) => check === "grants")) return undefined;

  const repository = await readRepository(github);
  // Who may do what, the default branch's contract says: it must be the same now as it was then.
  if (repository.head !== release.commit) return undefined;
  const suite = suiteOf(question);
  const expected = {
    tier,
    project,
    candidate: { commit: release.commit, release: release.digest },
    repository,
    suite,
    // What the next tier's gate would not take must be recorded once more.
    trustPinsAtCommit: false,
  };
  const read = evidenceReader(github, runReader(github, suite.repository, repository.head));
  const evidence = await read(deployment);
  if (evidence.run === undefined || doubts(evidence, expected).length > 0) return undefined;
  // Proved while its job ran: the earliest moment counts.
  const { from } = deployingTime(evidence, expected);
  if (now.getTime() - from > RESTED_ON_MS) return undefined;
  return { deployment: deployment.id, run: run.id, runUrl: evidence.run.url, at: new Date(from).toISOString() };
}

/** The tier's newest Deployment that can be this project's; without a record if its payload is none of ours. */
async function newestRecord(
  github: GitHub,
  tier: string,
  project: string,
): Promise<{ readonly deployment: Deployment; readonly record: RecordPayload | undefined } | undefined> {
  let passed = 0;
  for await (const deployment of listDeployments(github, { environment: tier, task: TASK })) {
    const record = parseRecord(deployment.payload);
    if (record === undefined || record.project === project) return { deployment, record };
    if (++passed === MOST_PASSED) return undefined;
  }
  return undefined;
}
