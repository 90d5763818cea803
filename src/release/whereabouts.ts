/**
 * What each tier has, as far as runs that can be believed say so: which release since when, verified and approved by
 * whom, held or rejected why. Read from GitHub alone, so that it can be asked from anywhere. What somebody wrote without
 * a run behind it is told apart, never believed.
 */
import { documentProblem } from "../gate/checks/evidence-document.ts";
import type { RolledBack } from "../gate/decision-facts.ts";
import type { EvidenceFacts, JudgedRecord } from "../gate/evidence-facts.ts";
import { type EvidencePlace, placeFindings } from "../gate/evidence-place.ts";
import type { Fact, RepositoryFacts } from "../gate/facts.ts";
import type { Trust } from "../gate/jobs-behind.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import type { GitHub } from "../github/client.ts";
import { approvalsOfRun } from "../github/runs.ts";
import { together } from "../http/pool.ts";
import { closedBy } from "./closed-by.ts";
import { readApprovals, readHolds, readRejects, readScheduleHolds } from "./decisions.ts";
import { parseRecord, type RecordOf } from "./evidence.ts";
import { readPlace } from "./evidence-place.ts";
import { factOf } from "./fact-of.ts";
import { suiteOf } from "./gate-policy.ts";
import { flooded, judgedEvidence } from "./judged-evidence.ts";
import { operatingEnvironment } from "./operators.ts";
import { seekDocument } from "./read-documents.ts";
import { type ReadRun, runReader } from "./read-evidence.ts";
import { readVerifications } from "./read-verifications.ts";
import { recordReader } from "./records.ts";

/** The tiers that records speak of, in the order in which a release goes through them. */
const RECORDED_TIERS: readonly RecordTier[] = ["dev", "staging", "prod"];

/** What one tier has. */
export interface Whereabouts {
  readonly tier: RecordTier;
  /** Undefined if no run that can be believed brought anything. */
  readonly has: TierRelease | undefined;
  /** Why it takes no promotion. */
  readonly holds: readonly Told[];
  /** Why schedules are paused; `of` is the selector. */
  readonly paused: readonly (Told & { readonly of: string })[];
  /** Records that claim a release newer than what is believed, and why each is not believed. */
  readonly doubted: readonly {
    readonly id: string;
    readonly creator: string | undefined;
    readonly doubts: readonly string[];
  }[];
  /** The commit whose promotion stopped half way, as its run says, and after which nothing succeeded: parts of it may be here. */
  readonly partly: string | undefined;
  /** A promotion or rollback that is newer and has not succeeded: its state as GitHub shows it. */
  readonly unfinished: { readonly commit: string; readonly state: string; readonly runId: string } | undefined;
}

/** What a tier has, by the newest record that is believed. */
export interface TierRelease {
  readonly kind: "promotion" | "rollback";
  readonly commit: string;
  readonly digest: string;
  /** ISO: when the first record of it that is believed was made, GitHub's time. */
  readonly since: string;
  /** The commit of what the tier had before; undefined if no run that can be believed says so. */
  readonly replaced: string | undefined;
  readonly run: { readonly id: string; readonly attempt: number; readonly url: string };
  readonly startedBy: string | undefined;
  /** Logins: reviewers of the environment, and who approved its digests. */
  readonly approvedBy: readonly string[];
  /** Checks that were overridden to let it in. */
  readonly overridden: readonly string[];
  /** The verdict of the newest verifications here; undefined if there is none. */
  readonly verified: (Told & { readonly passed: boolean }) | undefined;
  readonly rejected: Told | undefined;
  /**
   * Whether its run's evidence is kept where the contract says; undefined where it was not looked for, or nothing asks
   * for it.
   */
  readonly kept: Fact<KeptEvidence> | undefined;
}

/** The document that a run left, on the branch for evidence. */
type KeptEvidence =
  | { readonly kept: true; readonly url: string; readonly sha256: string }
  /** A sentence. */
  | { readonly kept: false; readonly why: string };

/** Something that a believed run says. */
export interface Told {
  readonly reason: string;
  readonly by: string | undefined;
  /** ISO. */
  readonly at: string;
  /** ISO or a date; undefined: until somebody lifts it. */
  readonly until: string | undefined;
  readonly runUrl: string | undefined;
}

interface WhereaboutsContext {
  readonly project: string;
  readonly repository: RepositoryFacts;
  /** Commits of the suite that the default branch's contract trusts. */
  readonly suiteCommits: readonly string[];
  /** Where evidence is kept, if it is to be looked for. */
  readonly evidenceBranch?: string | undefined;
}

/** Every tier's whereabouts; a tier that GitHub does not show is unknown and hides no other. */
export async function readWhereabouts(
  github: GitHub,
  context: WhereaboutsContext,
): Promise<readonly { readonly tier: RecordTier; readonly found: Fact<Whereabouts> }[]> {
  const suite = suiteOf(context);
  const trust: Trust = { repository: context.repository, suite, trustPinsAtCommit: true };
  const readRun = runReader(github, suite.repository, context.repository.head);
  // what was verified and approved was so, also if the pins have moved on since: what lets in next, the gate says
  const reader = recordReader(github, { ...context, suite, readRun, past: true });

  const { evidenceBranch } = context;
  const reading =
    evidenceBranch === undefined
      ? undefined
      : factOf(() => readPlace(github, evidenceBranch, context.repository.defaultBranch));

  const one = async (tier: RecordTier): Promise<Whereabouts> => {
    const about = { ...trust, tier, project: context.project, readRun };
    const [newest, holding, pausing] = await together([
      newestRelease(github, about),
      readHolds(reader, tier),
      readScheduleHolds(reader, tier),
    ]);
    const { rolledBack, halfWay, partly } = await closedBy(github, about, holding.resumed);
    const { has, plan, evidence, doubted, unfinished } = newest;
    const closed = [halfWay, rolledBack].flatMap((each) => (each === undefined ? [] : [toldClosed(each)]));
    const holds = [...closed, ...holding.standing.map(toldHold)];
    const paused = pausing.map((record) => ({ ...toldHold(record), of: record.claim.selector }));
    const seen = { tier, holds, paused, doubted, partly, unfinished };
    if (has === undefined || evidence === undefined) return { ...seen, has: undefined };
    const [verifications, rejects, reviews, given, kept] = await together([
      readVerifications(reader, tier, has.digest, 1),
      readRejects(reader, has.digest),
      approvalsOfRun(github, has.run.id),
      // Who may not write any more by now could then.
      readApprovals(reader, tier, { release: has.digest, plan }, () => Promise.resolve(true)),
      reading === undefined ? undefined : keptEvidence(github, reading, evidence, { ...about, release: has.digest }),
    ]);
    const environment = has.kind === "rollback" ? operatingEnvironment(tier) : tier;
    const reviewers = reviews
      .filter(({ state, environments }) => state === "approved" && environments.includes(environment))
      .flatMap(({ user }) => user ?? []);
    const approvedBy = [...new Set([...reviewers, ...given.approved.flatMap(({ record }) => record.by ?? [])])];
    const verdict = verifications.passed[0] ?? verifications.failed;
    const rejected = rejects.standing[0];
    return {
      ...seen,
      has: {
        ...has,
        approvedBy,
        verified: verdict === undefined ? undefined : { ...told(verdict, ""), passed: verdict.claim.passed },
        rejected: rejected === undefined ? undefined : told(rejected, rejected.claim.reason),
        kept,
      },
    };
  };
  const tiers = together(RECORDED_TIERS.map(async (tier) => ({ tier, found: await factOf(() => one(tier)) })));
  // where no tier has anything, nobody else waits for what is read of the branch
  return (await together([tiers, reading]))[0];
}

interface Newest extends Pick<Whereabouts, "doubted" | "unfinished"> {
  readonly has: Omit<TierRelease, "approvedBy" | "verified" | "rejected" | "kept"> | undefined;
  /** The record that says so; there if `has` is. */
  readonly evidence: EvidenceFacts | undefined;
  /** The digest of its plan. */
  readonly plan: string | undefined;
}

/** The newest release that is believed, since the oldest record of it in a row; and what newer records claim. */
async function newestRelease(
  github: GitHub,
  about: Trust & {
    readonly tier: RecordTier;
    readonly project: string;
    readonly readRun: ReadRun;
  },
): Promise<Newest> {
  const expected = { ...about, candidate: undefined };
  const doubted: Whereabouts["doubted"][number][] = [];
  let unfinished: Whereabouts["unfinished"];
  let has: Newest["has"];
  let newest: EvidenceFacts | undefined;
  let plan: string | undefined;
  const uncertain = (): void => {
    if (has === undefined) throw flooded(about.tier);
  };
  for await (const { deployment, evidence, doubts } of judgedEvidence(github, expected, about.readRun, uncertain)) {
    const { claim, run } = evidence;
    if (claim !== undefined && evidence.deployment.state !== "success") {
      const state = evidence.deployment.state ?? "without a state";
      if (has === undefined) unfinished ??= { commit: deployment.sha, state, runId: claim.runId };
      continue;
    }
    if (claim === undefined || run === undefined || doubts.length > 0) {
      if (has === undefined) doubted.push({ id: deployment.id, creator: deployment.creator, doubts });
      continue;
    }
    if (has !== undefined) {
      if (deployment.sha !== has.commit || claim.release !== has.digest) {
        has = { ...has, replaced: deployment.sha };
        break;
      }
      has = { ...has, since: deployment.createdAt };
      continue;
    }
    newest = evidence;
    const record = parseRecord(deployment.payload);
    plan = record?.kind === "promotion" || record?.kind === "rollback" ? record.plan : undefined;
    has = {
      kind: claim.kind,
      commit: deployment.sha,
      digest: claim.release,
      since: deployment.createdAt,
      replaced: undefined,
      run: { id: claim.runId, attempt: claim.attempt, url: run.url },
      startedBy: claim.attempt === 1 ? run.actor : run.triggeringActor,
      overridden: record?.kind === "promotion" ? (record.overrides ?? []).map(({ check }) => check) : [],
    };
  }
  return { has, plan, evidence: newest, doubted, unfinished };
}

/** Whether the document of the run behind a believed record is kept. Dev's is only told of where it is: nothing asks for it. */
async function keptEvidence(
  github: GitHub,
  reading: Promise<Fact<EvidencePlace>>,
  evidence: EvidenceFacts,
  about: Trust & { readonly tier: RecordTier; readonly project: string; readonly release: string },
): Promise<Fact<KeptEvidence> | undefined> {
  const place = await reading;
  if (!place.known) return place;
  const found = await factOf(async (): Promise<KeptEvidence> => {
    const { branch, head } = place.value;
    const [wrong] = placeFindings(place.value);
    if (wrong !== undefined) return { kept: false, why: wrong.message };
    const sought = await seekDocument(github, head, evidence, { ...about, candidate: undefined });
    const problem = sought === undefined ? undefined : documentProblem(sought, about, branch);
    if (sought?.found !== undefined && problem === undefined) {
      return { kept: true, url: sought.found.url, sha256: sought.found.sha256 };
    }
    return { kept: false, why: problem?.message ?? `No run is believed to have brought it to ${about.tier}.` };
  });
  return about.tier === "dev" && found.known && !found.value.kept ? undefined : found;
}

function toldClosed({ reason, by, at, run }: RolledBack): Told {
  return { reason, by, at, until: undefined, runUrl: run.url };
}

function toldHold(record: JudgedRecord<RecordOf<"hold">>): Told {
  return { ...told(record, record.claim.reason), until: record.claim.until ?? undefined };
}

function told({ at, by, runUrl }: JudgedRecord, reason: string): Told {
  return { reason, by, at, until: undefined, runUrl };
}
