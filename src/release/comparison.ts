/**
 * What a tier has, and what a release would make of it, for the plan: from commits alone, or with a look at the tier. A
 * look tells before the approval what the promotion itself would stop at after it; what it could not see is said.
 */
import type { Contract, Tier } from "../contract/model.ts";
import { resolveTier } from "../contract/tiers.ts";
import { ApiError } from "../databricks/errors.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import type { OrderFacts } from "../gate/commit-facts.ts";
import { type Fact, known, type LiveFacts, notKnown } from "../gate/facts.ts";
import type { Git } from "../git.ts";
import type { Ledger, LedgerRelease } from "../ledger/model.ts";
import { ledgerOwner, ledgerPath } from "../ledger/paths.ts";
import { readLedgerIfAllowed } from "../ledger/store.ts";
import { heldNotices } from "../schedules/holds.ts";
import { shortSha } from "../short-sha.ts";
import { BARE } from "./brief-facts.ts";
import { asApplied, type Candidate, type CarriedArtifact, candidateOf, contentsOf, contractAt } from "./candidate.ts";
import type { Applied, Drift, Plan } from "./change.ts";
import type { CurrentRelease } from "./current-release.ts";
import { driftOf } from "./drift.ts";
import { type Left, leftFindings } from "./left.ts";
import { isSame } from "./look.ts";
import { lostLedger } from "./lost-ledger.ts";
import { type Observation, observe } from "./observe.ts";
import { type Place, placeOf } from "./place.ts";
import { makePlan } from "./plan.ts";
import { driftContext, type Standing, standingOf } from "./standing.ts";
import { currentOf, lookFacts } from "./tier-facts.ts";
import { inspectFolders, unreadFindings } from "./upload.ts";

/** What is compared, and with which eyes. */
export interface ComparisonRequest {
  readonly tier: Tier;
  readonly candidate: Candidate;
  /** The carried wheels, by whose bytes folders are compared. */
  readonly wheels: readonly CarriedArtifact[];
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  readonly contract: Contract;
  readonly allowedHosts: readonly string[];
  readonly git: Git;
  /** A connection that may look at the tier, and whether it is its own principal's; undefined for none. */
  readonly live: { readonly workspace: Workspace; readonly own: boolean } | undefined;
  /** What the tier has, as far as evidence proves it. */
  readonly current: () => Promise<Fact<CurrentRelease | undefined>>;
  readonly log: { info(message: string): void };
  readonly now: Date;
}

/** What the tier has, and what the candidate would make of it. */
export interface Comparison {
  readonly current: Fact<OrderFacts["current"]>;
  readonly plan: Plan;
  readonly drift: Fact<Drift>;
  readonly live: Partial<LiveFacts>;
  readonly findings: readonly Finding[];
  /** What the tier had before, newest first, as far as it is known. */
  readonly had: readonly LedgerRelease[];
  /** What its ledger remembers of rejects. */
  readonly rejects: NonNullable<Ledger["rejects"]>;
  /** Components that have resources, and so a folder; undefined where the ledger was not read. */
  readonly pointed: ReadonlySet<string> | undefined;
  /** Undefined where nobody looked. */
  readonly seen: Observation["live"] | undefined;
  /** What rollbacks left; empty where nobody could look. */
  readonly left: readonly Left[];
  /** What stops a promotion and was not looked at, as clauses without a full stop. */
  readonly unseen: readonly string[];
}

/** Compares: from commits alone, or with a look at the tier. Writes nothing. Throws FourTierError where it cannot be told. */
export function compareWithTier(request: ComparisonRequest): Promise<Comparison> {
  return request.live === undefined ? compareCommits(request) : compareLive(request, request.live);
}

/** From commits alone: the release that the tier provably runs, rendered again, against the candidate. */
async function compareCommits(request: ComparisonRequest): Promise<Comparison & { readonly from: Applied }> {
  const { candidate, tier } = request;
  const current = await request.current();
  if (!current.known) {
    throw new FourTierError({
      id: "plan/unknown-current",
      severity: "unknown",
      message: `What ${tier.name} runs could not be read from GitHub: ${current.why}`,
      why: "A plan says what would change, and without what is there now it cannot.",
      remedy: current.remedy,
    });
  }
  const from = current.value === undefined ? new Map() : await appliedAt(request, current.value);
  return {
    from,
    current,
    plan: makePlan(from, candidate.desired),
    drift: notKnown(`Nobody looked at ${tier.name}.`, `Give the brief a principal that may read ${tier.name}.`),
    live: {},
    findings: [],
    had: current.value === undefined ? [] : [{ ...BARE, commit: current.value.commit, digest: current.value.release }],
    rejects: [],
    seen: undefined,
    pointed: undefined,
    left: [],
    unseen: [
      `nobody looked at ${tier.name}: whether the promotion stops at what is there (a name that is taken, a resource without our mark or with its double, a schema that is not empty, a release folder that was touched, what an unfinished promotion or a rollback left) is told only after the approval`,
    ],
  };
}

/** What a commit made of the tier: rendered with the contract of its own time. */
async function appliedAt(request: ComparisonRequest, current: CurrentRelease): Promise<Applied> {
  const { git, root, tier, allowedHosts } = request;
  const contract = await contractAt(git, current.commit, request.contract.file, allowedHosts);
  const { candidate, findings } = await candidateOf({
    git,
    commit: current.commit,
    root,
    contract,
    tier: resolveTier(contract, tier.name, tier.developer === undefined ? {} : { developer: tier.developer }),
    artifacts: current.artifacts,
    now: request.now,
  });
  if (candidate === undefined) throw new FourTierError(findings.filter(isFailure));
  if (candidate.digest !== current.release) {
    throw new FourTierError({
      id: "plan/other-current",
      severity: "error",
      message: `The record of ${tier.name} says release ${shortSha(current.release)} for commit ${shortSha(current.commit)}, and that commit makes ${shortSha(candidate.digest)}.`,
      why: "What the tier runs cannot be told from its record.",
      remedy: `Give the brief a principal that may read ${tier.name}: its ledger says what was applied.`,
    });
  }
  return asApplied(candidate);
}

/** With a look at the tier: its ledger says what was applied, its resources what lives. */
async function compareLive(
  request: ComparisonRequest,
  live: NonNullable<ComparisonRequest["live"]>,
): Promise<Comparison> {
  const { tier, candidate } = request;
  const { workspace } = live;
  const place = placeOf(tier, ledgerOwner(tier));
  const { folder } = place;
  const read = () => readLedgerIfAllowed(workspace, folder, { project: tier.project, tier: tier.name });
  const first = await read();
  if (first === "refused") return compareSeen(request, live, place);
  const lost = await lostLedger(tier.name, folder, first, request.current);
  if (lost !== undefined) throw new FourTierError(lost);
  const look = async (ledger: Ledger | undefined): Promise<Standing> => {
    const seen = await observe(workspace, { ...place, ledger, desired: candidate.desired });
    return standingOf(ledger, seen, candidate.desired, place);
  };
  let standing = await look(first);
  if (!standing.drift.empty) {
    // What another run of ours wrote while we looked is no change by hand.
    const now = await read();
    if (now !== "refused" && !isSame(now, first)) standing = await look(now);
  }
  const { ledger, observation } = standing;
  const folders = await folderFindings(request, workspace, standing, place);
  if (ledger?.release === undefined) request.log.info(`There is no applied release in ${ledgerPath(folder)}.`);
  return {
    current: known(currentOf(standing)),
    plan: standing.plan,
    drift: known(standing.drift),
    live: lookFacts(standing, tier),
    findings: [
      ...observation.findings,
      ...(folders.known ? folders.value : []),
      ...heldNotices(tier.name, ledger?.holds ?? [], candidate.desired),
      ...leftFindings(tier.name, standing.left),
    ],
    had: ledger?.history ?? [],
    rejects: ledger?.rejects ?? [],
    pointed: new Set([...(ledger?.resources.values() ?? [])].map(({ component }) => component)),
    seen: observation.live,
    left: standing.left,
    unseen: [...(folders.known ? [] : [folders.why]), ...unseenSchemas(standing.plan, live)],
  };
}

/** What of the release's folders is there already and is not what it should be: with the same eyes as a promotion's. */
async function folderFindings(
  { candidate, root, wheels, tier }: ComparisonRequest,
  workspace: Workspace,
  { steps }: Standing,
  { folder }: Place,
): Promise<Fact<readonly Finding[]>> {
  const contents = contentsOf(candidate, root, wheels, folder);
  const used = new Set(steps.map(({ desired }) => desired?.component));
  try {
    const states = await inspectFolders(
      workspace,
      contents,
      tier.name,
      (component, complete) => !complete || used.has(component),
    );
    return known(unreadFindings(states, tier.name));
  } catch (error) {
    if (error instanceof FourTierError && error.findings.every(({ id }) => id === "release/folder-tampered")) {
      return known(error.findings);
    }
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    return notKnown(
      `whoever looked may not read the release folders of ${tier.name} (its readers may): whether they were touched is told only after the approval`,
      `Make the principal that looks a member of the group that tiers.${tier.name}.readers names.`,
    );
  }
}

/** Lists of Unity Catalog show what the caller may see: to other eyes than the tier's own, a full schema looks empty. */
function unseenSchemas({ changes }: Plan, { own }: NonNullable<ComparisonRequest["live"]>): string[] {
  const dropped = changes.filter(
    ({ kind, action }) => kind === "schemas" && (action === "delete" || action === "replace"),
  );
  if (own || dropped.length === 0) return [];
  return [
    `what is in ${dropped.map(({ key }) => key).join(", ")} was seen only as far as whoever looked may see it: the promotion stops at a schema that is not empty`,
  ];
}

/** What was applied comes from evidence, as without a look; what lives is found by our tags. */
async function compareSeen(
  request: ComparisonRequest,
  live: NonNullable<ComparisonRequest["live"]>,
  place: Place,
): Promise<Comparison> {
  const { candidate, tier } = request;
  const { workspace } = live;
  const { from, ...compared } = await compareCommits(request);
  const wanted = new Set(candidate.desired.map(({ key }) => key));
  const gone = [...from].filter(([key]) => !wanted.has(key)).map(([key, resource]) => ({ key, ...resource }));
  const observation = await observe(workspace, {
    ...place,
    ledger: undefined,
    desired: [...candidate.desired, ...gone],
  });
  const drift = driftOf(from, observation.live, driftContext(from, observation, place));
  const namesakes = observation.namesakes.filter(({ key }) => wanted.has(key));
  const blind = from.size > 0 && ![...from.keys()].some((key) => observation.live.get(key) !== undefined);
  const seen: Fact<Drift> = blind
    ? notKnown(
        `None of the ${from.size} resources of ${tier.name} can be seen: all are gone, or the principal may not view them.`,
        "Grant the principal that writes the brief CAN_VIEW on the project's jobs and pipelines.",
      )
    : known(drift);
  return {
    ...compared,
    drift: seen,
    live: { drift: seen, adoption: known(namesakes) },
    findings: observation.findings,
    seen: observation.live,
    unseen: [
      from.size === 0
        ? `before its first release nobody but its own principal can look into ${tier.name}'s folder: whether an earlier try left something there, only the promotion tells`
        : `whoever looked may not read the ledger of ${tier.name} (the group tiers.${tier.name}.readers may): whether release folders were touched, whether what is deleted is ours, and what an unfinished promotion or a rollback left, only the promotion tells`,
      ...unseenSchemas(compared.plan, live),
    ],
  };
}
