/**
 * What was verified, rejected, held and approved, read for the gate: claims are listed, and only as many are held against
 * their runs as the answer needs. Which are believed is decided in src/gate/record-doubts.ts; what follows, by the checks.
 */
import type { TierName } from "../contract/model.ts";
import type { CheckId } from "../gate/check.ts";
import type { AuditFacts, CollectedFacts, HoldFacts, OpeningFacts, RejectFacts } from "../gate/decision-facts.ts";
import type { JudgedRecord } from "../gate/evidence-facts.ts";
import type { Fact, GateFacts, RepositoryFacts, Stage } from "../gate/facts.ts";
import type { StatedRecord } from "../gate/record-doubts.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import type { GitHub } from "../github/client.ts";
import { newestFirst } from "../github/deployments.ts";
import { mayWrite } from "../github/repository.ts";
import { together } from "../http/pool.ts";
import { isWorkflow } from "../login.ts";
import { Bench } from "./bench.ts";
import { closedBy } from "./closed-by.ts";
import type { RecordOf } from "./evidence.ts";
import { factOf, notAsked } from "./fact-of.ts";
import { type Policy, suiteOf } from "./gate-policy.ts";
import { readBelow } from "./read-below.ts";
import { runReader } from "./read-evidence.ts";
import { readVerifications } from "./read-verifications.ts";
import { type RecordReader, recordReader } from "./records.ts";

/** From the lowest: who accepts in a tier speaks for it and those below. */
const OWN_TIERS: readonly RecordTier[] = ["dev", "staging", "prod"];

/** What people and verifications decided. */
export type DecisionFacts = Pick<
  GateFacts,
  "collected" | "openings" | "below" | "verifications" | "rejects" | "holds" | "audits"
>;

/** Whose decisions are asked for. */
interface DecisionRequest {
  readonly github: GitHub;
  readonly project: string;
  readonly tier: { readonly name: TierName; readonly previous: TierName | undefined };
  readonly release: string;
  /** The plan that was approved, if any. */
  readonly plan: string | undefined;
  readonly asked: ReadonlySet<CheckId>;
  /** Only a brief that looks at no tier has to tell from records what the ledger holds. */
  readonly stage: Stage;
  /** Who started the run that asks. */
  readonly starters: readonly string[];
}

/** Reads all decisions that the stage asks for; what GitHub does not show becomes an unknown fact. */
export async function readDecisions(
  request: DecisionRequest,
  repository: Fact<RepositoryFacts>,
  policy: Policy,
): Promise<DecisionFacts> {
  if (!repository.known) {
    return {
      collected: repository,
      openings: repository,
      below: repository,
      verifications: repository,
      rejects: repository,
      holds: repository,
      audits: repository,
    };
  }
  const { github, project, release, plan, asked } = request;
  const suite = suiteOf(policy);
  const readRun = runReader(github, suite.repository, repository.value.head);
  const place = { project, repository: repository.value, suite, readRun };
  const reader = recordReader(github, place);
  /** Nothing is read where there is no tier whose records would tell. */
  const needed = <T>(
    check: CheckId,
    of: RecordTier | undefined,
    read: (tier: RecordTier) => Promise<T>,
  ): Promise<Fact<T>> => (of === undefined || !asked.has(check) ? Promise.resolve(notAsked) : factOf(() => read(of)));
  const tier = recordTier(request.tier.name);
  const below = recordTier(request.tier.previous);
  const wanted = policy.gate.known ? policy.gate.value.verifications : 0;
  const byDispatch = policy.gate.known && policy.gate.value.approvers.by === "dispatch";
  const audited = policy.gate.known && policy.gate.value.estateMs !== undefined;
  const opened = request.starters.some(isWorkflow);
  const [collected, openings, fate, verifications, rejects, holds, audits] = await together([
    needed("approval", byDispatch ? tier : undefined, (tier) =>
      readApprovals(reader, tier, { release, plan }, (login) => mayWrite(github, login)),
    ),
    needed("approval", opened ? tier : undefined, (tier) => readOpenings(reader, tier, release)),
    needed("source", below, (tier) => readBelow(github, { tier, ...place }, release)),
    needed("verification", below, (tier) => readVerifications(reader, tier, release, wanted)),
    asked.has("rejects") ? factOf(() => readRejects(reader, release)) : notAsked,
    needed("hold", tier, async (tier) => {
      const holds = await readHolds(reader, tier);
      if (request.stage !== "plan") return holds;
      const closed = await closedBy(github, { ...place, trustPinsAtCommit: true, tier }, holds.resumed);
      return { ...holds, ...closed };
    }),
    needed("estate", audited ? tier : undefined, (tier) => readAudits(reader, tier)),
  ]);
  return { collected, openings, below: fate, verifications, rejects, holds, audits };
}

/** Of a sandbox there are no records. */
function recordTier(tier: TierName | undefined): RecordTier | undefined {
  return tier === "sandbox" ? undefined : tier;
}

/** The newest estate proof of a tier that is believed. */
async function readAudits(reader: RecordReader, tier: RecordTier): Promise<AuditFacts> {
  const bench = new Bench(reader);
  const listing = await reader.list(tier, ["estate"]);
  const newest = (await bench.first(listing.records))?.record;
  // What is older than the newest that is believed does not matter.
  return { newest, ...bench.judging, whole: newest !== undefined || (bench.whole && listing.whole) };
}

/** Whether a release is rejected: in each tier the newest word counts, an accept of that tier or of one above it too. */
export async function readRejects(reader: RecordReader, release: string): Promise<RejectFacts> {
  const bench = new Bench(reader);
  const listings = await together(OWN_TIERS.map((tier) => reader.list(tier, ["reject", "accept"])));
  const records = listings.flatMap((listing) => listing.records.filter(({ claim }) => claim.release === release));
  const standing: RejectFacts["standing"][number][] = [];
  const lifted = new Map<string, RejectFacts["lifted"][number]>();
  for (const [rank, tier] of OWN_TIERS.entries()) {
    const speaking = records
      .filter(({ claim }) => (claim.kind === "reject" ? claim.tier === tier : OWN_TIERS.indexOf(claim.tier) >= rank))
      .sort((a, b) => newestFirst(a.deployment, b.deployment));
    if (!speaking.some(({ claim }) => claim.kind === "reject")) continue;
    const last = (await bench.first(speaking))?.record;
    if (last === undefined) continue;
    if (isKind(last, "reject")) standing.push(last);
    else if (isKind(last, "accept")) lifted.set(last.deployment.id, last);
  }
  const { doubted, outdated, unread, whole } = bench.judging;
  return {
    standing,
    lifted: [...lifted.values()],
    doubted,
    outdated,
    // An accept that nobody can read lifts nothing, and that is all.
    unread: unread.filter(({ claim }) => claim.kind === "reject"),
    whole: whole && listings.every((listing) => listing.whole),
  };
}

/** Holds of the tier's promotions that nobody lifted since. */
export async function readHolds(reader: RecordReader, tier: RecordTier): Promise<HoldFacts> {
  const bench = new Bench(reader);
  const listing = await reader.list(tier, ["hold", "resume"]);
  const standing: HoldFacts["standing"][number][] = [];
  let resumed: HoldFacts["resumed"];
  for (const each of listing.records) {
    if (each.claim.hold !== "tier") continue;
    const record = await bench.believed(each);
    if (record === undefined) continue;
    if (isKind(record, "resume")) {
      resumed = record;
      break;
    }
    if (isKind(record, "hold")) standing.push(record);
  }
  const { doubted, outdated, unread, whole } = bench.judging;
  return {
    standing,
    resumed,
    doubted,
    outdated,
    unread: unread.filter(({ claim }) => claim.kind === "hold"),
    // What is older than what lifted everything does not matter.
    whole: whole && (listing.whole || resumed !== undefined),
  };
}

/** Holds on a tier's schedules that nobody lifted since, newest first: what was lifted names a selector, or everything. */
export async function readScheduleHolds(
  reader: RecordReader,
  tier: RecordTier,
): Promise<readonly JudgedRecord<RecordOf<"hold">>[]> {
  const bench = new Bench(reader);
  const listing = await reader.list(tier, ["hold", "resume"]);
  const standing: JudgedRecord<RecordOf<"hold">>[] = [];
  const lifted: string[] = [];
  const runs = new Set<string>();
  for (const each of listing.records) {
    if (each.claim.hold !== "schedules") continue;
    const record = await bench.believed(each);
    if (record === undefined) continue;
    const { selector, run } = record.claim;
    if (isKind(record, "resume")) {
      if (selector === "") break;
      lifted.push(selector);
    } else if (isKind(record, "hold") && !runs.has(run.id)) {
      runs.add(run.id); // A run that is started again takes up its own hold.
      const at = lifted.indexOf(selector);
      if (at === -1) standing.push(record);
      else lifted.splice(at, 1);
    }
  }
  return standing;
}

/** Approvals of these digests for a tier, each with whether its person may write here. */
export async function readApprovals(
  reader: RecordReader,
  tier: RecordTier,
  digests: { readonly release: string; readonly plan: string | undefined },
  mayWrite: (login: string) => Promise<boolean | undefined>,
): Promise<CollectedFacts> {
  const bench = new Bench(reader);
  const listing = await reader.list(tier, ["approval"]);
  const approved: CollectedFacts["approved"][number][] = [];
  for (const each of listing.records) {
    const { release, plan } = each.claim;
    if (release !== digests.release || plan !== digests.plan) continue;
    const record = await bench.believed(each);
    if (record?.by === undefined) continue;
    approved.push({ record, mayWrite: await mayWrite(record.by) });
  }
  return { approved, ...bench.judging, whole: bench.whole && listing.whole };
}

/** What was opened in a tier, for a release or for any. */
export async function readOpenings(reader: RecordReader, tier: RecordTier, release?: string): Promise<OpeningFacts> {
  const bench = new Bench(reader);
  const listing = await reader.list(tier, ["opening"]);
  const opened: OpeningFacts["opened"][number][] = [];
  for (const each of listing.records) {
    if (release !== undefined && each.claim.release !== release) continue;
    const record = await bench.believed(each);
    if (record !== undefined) opened.push(record);
  }
  return { opened, ...bench.judging, whole: bench.whole && listing.whole };
}

function isKind<Kind extends StatedRecord["kind"]>(
  record: JudgedRecord,
  kind: Kind,
): record is JudgedRecord<Extract<StatedRecord, { readonly kind: Kind }>> {
  return record.claim.kind === kind;
}
