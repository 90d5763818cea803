/**
 * Reads what was verified and decided: lists the claims of a tier, and holds one against the run behind it. Listing is
 * cheap (a hundred a request), judging is not (a run, its jobs, its workflow file), so whoever asks judges what matters.
 */
import { FourTierError } from "../findings.ts";
import { MOST } from "../gate/decision-facts.ts";
import type { EvidenceRun, JudgedRecord, SuiteTrust } from "../gate/evidence-facts.ts";
import type { RepositoryFacts } from "../gate/facts.ts";
import { endedAt, recordDoubts, type StatedRecord } from "../gate/record-doubts.ts";
import type { GitHub } from "../github/client.ts";
import { type Deployment, listDeployments } from "../github/deployments.ts";
import { deploymentsUrl } from "../github/links.ts";
import { together } from "../http/pool.ts";
import { parseRecord, type RecordKind, type RecordPayload, taskOf } from "./evidence.ts";
import type { ReadRun } from "./read-evidence.ts";

type Tier = RecordPayload["tier"];
type StatedKind = StatedRecord["kind"];
type Stated<Kind extends RecordKind> = Extract<StatedRecord, { readonly kind: Kind }>;

/** What lets a release in must come from a suite that is pinned now. */
const WANTS_IN: readonly RecordKind[] = ["verification", "estate", "approval", "opening"];

/** A record as it is listed, not yet believed. */
export interface ClaimedRecord<Claim extends RecordPayload = StatedRecord> {
  readonly deployment: Deployment;
  readonly claim: Claim;
}

/** The records of some kinds, newest first. */
interface Listing<Kind extends StatedKind> {
  readonly records: readonly ClaimedRecord<Stated<Kind>>[];
  /** False if there are more than MOST.listed Deployments: what is older was not seen. */
  readonly whole: boolean;
}

/** Lists records of a tier, and judges them. */
export interface RecordReader {
  /** Claims of a tier and this project; who wrote them is not asked yet. */
  list<Kind extends StatedKind>(tier: Tier, kinds: readonly Kind[]): Promise<Listing<Kind>>;
  /**
   * Holds a claim against its run. What lets in (a verification, an audit, an approval) must come from a suite that is pinned
   * now; what was decided stays decided when the pins move on.
   */
  judge<Claim extends StatedRecord>(record: ClaimedRecord<Claim>): Promise<JudgedRecord<Claim>>;
}

/** Whose records are read, and what they are held against. */
interface ReaderContext {
  readonly project: string;
  readonly repository: RepositoryFacts;
  readonly suite: SuiteTrust;
  readonly readRun: ReadRun;
  /** The question is of the past: what was let in by a suite that was pinned then counts, too. */
  readonly past?: boolean;
}

/** A reader of one project's records; `suite.commits` are those of the default branch's contract. */
export function recordReader(github: GitHub, context: ReaderContext): RecordReader {
  const listings = new Map<string, Promise<{ readonly found: readonly Deployment[]; readonly whole: boolean }>>();
  const listed = (environment: Tier, task: string) => {
    const key = `${environment} ${task}`;
    const known = listings.get(key) ?? readAll(github, environment, task);
    listings.set(key, known);
    return known;
  };
  return {
    async list<Kind extends StatedKind>(tier: Tier, kinds: readonly Kind[]): Promise<Listing<Kind>> {
      const tasks = new Set(kinds.map(taskOf));
      const found = await together([...tasks].map((task) => listed(tier, task)));
      const records = found
        .flatMap(({ found }) => found)
        .flatMap((deployment) => {
          const claim = parseRecord(deployment.payload);
          if (claim?.tier !== tier || claim.project !== context.project || !isOf(claim, kinds)) return [];
          return [{ deployment, claim }];
        });
      return { records, whole: found.every(({ whole }) => whole) };
    },
    judge: (record) => judge(github, context, record),
  };
}

/** Holds a claim against its run; what could not be read is said in the answer. Throws what is no FourTierError. */
async function judge<Claim extends StatedRecord>(
  github: GitHub,
  context: ReaderContext,
  { deployment, claim }: ClaimedRecord<Claim>,
): Promise<JudgedRecord<Claim>> {
  // A failure keeps out: it stands when the pins move on.
  const wantsIn = WANTS_IN.includes(claim.kind) && !("passed" in claim && !claim.passed);
  const trustPinsAtCommit = context.past === true || !wantsIn;
  const trust = { repository: context.repository, suite: context.suite, trustPinsAtCommit };
  const judged = {
    deployment: {
      id: deployment.id,
      creator: deployment.creator,
      url: deploymentsUrl(github, deployment.environment),
    },
    claim,
    doubts: [],
    unread: undefined,
    at: "",
    by: undefined,
    runUrl: undefined,
  };
  try {
    const run = await context.readRun(claim.run.id);
    const doubts = recordDoubts({ claim, createdAt: deployment.createdAt }, run, trust);
    if (run === undefined || doubts.length > 0) {
      const then = { ...trust, trustPinsAtCommit: true };
      const outdated = recordDoubts({ claim, createdAt: deployment.createdAt }, run, then).length === 0;
      return { ...judged, doubts, ...(outdated ? { outdated } : {}), runUrl: run?.url };
    }
    return {
      ...judged,
      at: endedAt(claim, run, trust) ?? deployment.createdAt,
      by: startedBy(run, claim.run.attempt),
      runUrl: run.url,
    };
  } catch (error) {
    const finding = error instanceof FourTierError ? error.findings[0] : undefined;
    if (finding === undefined) throw error;
    return { ...judged, unread: { why: finding.message, remedy: finding.remedy } };
  }
}

/** A schedule is started by nobody, whomever GitHub names; of an attempt in between it does not say. */
function startedBy({ event, actor, triggeringActor }: EvidenceRun, attempt: number): string | undefined {
  if (attempt > 1) return triggeringActor;
  return event === "schedule" ? undefined : actor;
}

/** True if a record is one that runs may act on. */
export function isBelieved({ doubts, unread }: JudgedRecord): boolean {
  return doubts.length === 0 && unread === undefined;
}

function isOf<Kind extends StatedKind>(claim: RecordPayload, kinds: readonly Kind[]): claim is Stated<Kind> {
  return kinds.some((kind) => kind === claim.kind);
}

async function readAll(github: GitHub, environment: Tier, task: string) {
  const found: Deployment[] = [];
  for await (const deployment of listDeployments(github, { environment, task })) {
    if (found.length === MOST.listed) return { found, whole: false };
    found.push(deployment);
  }
  return { found, whole: true };
}
