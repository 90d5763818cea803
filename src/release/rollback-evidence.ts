/** What GitHub's record says of releases that a tier is said to have had: only what the runs behind it bear out. */
import type { ClosedBy, VerificationFacts } from "../gate/decision-facts.ts";
import { doubts } from "../gate/evidence-run.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import type { Trust } from "../gate/jobs-behind.ts";
import type { GitHub } from "../github/client.ts";
import { listDeployments } from "../github/deployments.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import { closedBy } from "./closed-by.ts";
import { readHolds, readRejects } from "./decisions.ts";
import { parseRecord, type RecordPayload, TASKS } from "./evidence.ts";
import { suiteOf } from "./gate-policy.ts";
import { flooded, judgedEvidence, MOST_LOOKED_AT } from "./judged-evidence.ts";
import { evidenceReader, runReader } from "./read-evidence.ts";
import { readVerifications } from "./read-verifications.ts";
import { recordReader } from "./records.ts";
import { type JudgedRelease, NOT_HERE } from "./rollback-target.ts";

/** A release that a run of ours provably brought to a tier; the digest of its plan is not needed any more. */
export type RecordedRelease = Omit<LedgerRelease, "plan">;

interface JudgeContext {
  readonly project: string;
  readonly tier: RecordPayload["tier"];
  readonly repository: RepositoryFacts;
  /** Commits of the suite that the default branch's contract trusts. */
  readonly suiteCommits: readonly string[];
}

/**
 * Judges releases of one tier. What was deployed and verified there with a suite that is not pinned any more counts: it
 * was let in then.
 */
export function releaseJudge(
  github: GitHub,
  context: JudgeContext,
): (release: Pick<LedgerRelease, "commit" | "digest">) => Promise<JudgedRelease> {
  const { project, tier, repository } = context;
  const suite = suiteOf(context);
  const trust: Trust = { repository, suite, trustPinsAtCommit: true };
  const readRun = runReader(github, suite.repository, repository.head);
  const readEvidence = evidenceReader(github, readRun);
  const records = recordReader(github, { project, repository, suite, readRun, past: true });

  const wasHere = async (release: Pick<LedgerRelease, "commit" | "digest">): Promise<boolean> => {
    let looked = 0;
    const candidate = { commit: release.commit, release: release.digest };
    const filter = { environment: tier, task: TASKS.release, sha: release.commit };
    for await (const deployment of listDeployments(github, filter)) {
      if (++looked > MOST_LOOKED_AT) return false;
      if (doubts(await readEvidence(deployment), { ...trust, tier, project, candidate }).length === 0) return true;
    }
    return false;
  };
  return async (release) => {
    if (!(await wasHere(release))) return NOT_HERE;
    return {
      wasHere: true,
      verified: isVerified(await readVerifications(records, tier, release.digest, 1)),
      rejects: await readRejects(records, release.digest),
    };
  };
}

/** The newest verdict that can be believed counts; a failure that nobody can read might be it. */
function isVerified({ passed, unread }: VerificationFacts): boolean {
  return passed.length > 0 && !unread.some(({ claim }) => claim.kind === "verification" && !claim.passed);
}

/** How many releases of the past are read again for a ledger that was lost. */
const MOST_RELEASES = 10;

/** What a tier had, newest first, each once, as far as runs that can be believed say so. */
export async function recordedReleases(github: GitHub, context: JudgeContext): Promise<readonly RecordedRelease[]> {
  const { project, tier, repository } = context;
  const suite = suiteOf(context);
  const trust: Trust = { repository, suite, trustPinsAtCommit: true };
  const readRun = runReader(github, suite.repository, repository.head);
  const expected = { ...trust, tier, project, candidate: undefined };
  const found: RecordedRelease[] = [];
  const uncertain = (): void => {
    if (found.length === 0) throw flooded(tier);
  };
  for await (const { deployment, doubts } of judgedEvidence(github, expected, readRun, uncertain)) {
    if (found.length === MOST_RELEASES) break;
    if (doubts.length > 0) continue;
    const record = parseRecord(deployment.payload);
    if (record?.kind !== "promotion" && record?.kind !== "rollback") continue;
    const { release: digest, run, components, artifacts } = record;
    if (found.some((other) => other.commit === deployment.sha && other.digest === digest)) continue;
    const { id, attempt } = run;
    found.push({
      digest,
      commit: deployment.sha,
      at: deployment.createdAt,
      run: { id, attempt },
      components,
      artifacts,
    });
  }
  return found;
}

/** What keeps a tier closed beside records of holds, as far as runs that can be believed say so. */
export async function recordedClosing(github: GitHub, context: JudgeContext): Promise<ClosedBy> {
  const { project, tier, repository } = context;
  const suite = suiteOf(context);
  const readRun = runReader(github, suite.repository, repository.head);
  const reader = recordReader(github, { project, repository, suite, readRun });
  const { resumed } = await readHolds(reader, tier);
  return closedBy(github, { repository, suite, trustPinsAtCommit: true, tier, project, readRun }, resumed);
}
