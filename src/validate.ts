/**
 * Checks a commit for every tier at once, as a pull request does: contract, bundle, tier rules, and that staging and
 * prod are the same. It needs no credentials, so a fork's pull request is checked like any other. What has gathered for
 * dev and prod is told by their records, if GitHub shows them.
 */
import { compareStagingAndProd } from "./bundle/parity.ts";
import { type Contract, TIERS, type TierName } from "./contract/model.ts";
import { resolveTier } from "./contract/tiers.ts";
import { describeWhere, type Finding, FourTierError, isFailure } from "./findings.ts";
import { onDefaultBranch } from "./gate/evidence-place.ts";
import { type Fact, known } from "./gate/facts.ts";
import type { Git } from "./git.ts";
import { declaredFor, openedBy, unnamedInBundle } from "./grants/opened.ts";
import { checkPolicy } from "./grants/policy.ts";
import type { JsonObject } from "./json.ts";
import { asApplied, type Candidate, candidateOf, contractAt } from "./release/candidate.ts";
import { changed, type Plan } from "./release/change.ts";
import type { Artifact } from "./release/digest.ts";
import { type Gathered, gatheredSince } from "./release/gathered.ts";
import { makePlan } from "./release/plan.ts";
import { blocks, code, details, table, text } from "./report/markdown.ts";
import { changeJson, planTable } from "./report/promotion.ts";
import type { ActionResult } from "./report/report.ts";
import { shortSha } from "./short-sha.ts";

/** Which commit is validated, for all tiers of its contract. */
export interface ValidateRequest {
  readonly git: Git;
  readonly commit: string;
  readonly root: string;
  readonly contract: Contract;
  readonly allowedHosts: readonly string[];
  /** Undefined while no wheel is built. */
  readonly artifacts: readonly Artifact[] | undefined;
  readonly now: Date;
  /** The repository's; undefined if the run's event does not say it. */
  readonly defaultBranch: string | undefined;
  /** The commit that a tier has, as its records say: an index, no evidence. Undefined if nobody is to be asked. */
  readonly indexed?: (tier: "dev" | "prod") => Promise<Fact<string | undefined>>;
}

/** What waits for a tier, or why that is not known. */
interface Waiting {
  readonly tier: "dev" | "prod";
  readonly since: Fact<Gathered | undefined>;
}

/** One tier's part: what the commit is there, and what it changes against its first parent. */
interface TierCheck {
  readonly tier: TierName;
  readonly candidate: Candidate | undefined;
  readonly plan: Plan | undefined;
}

/** Stands for every developer: a sandbox renders the same for all of them. */
const SOMEBODY = "developer";

/** Renders and checks a commit for every tier. What is wrong is among the findings. */
export async function validate(request: ValidateRequest): Promise<ActionResult> {
  const { git, commit, root, contract, now, artifacts } = request;
  const parent = (await git.log(undefined, commit))[0]?.parents[0];
  const findings: Finding[] = [
    ...checkPolicy(contract, now),
    ...evidenceBranchFindings(contract, request.defaultBranch),
  ];
  const checks: TierCheck[] = [];
  const opened: Finding[] = [];
  const base = parent === undefined ? undefined : await contractBefore(request, parent);
  for (const tier of TIERS) {
    const rendered = await candidateAt(request, contract, commit, tier);
    findings.push(...rendered.findings);
    const before = parent === undefined ? undefined : await candidateBefore(request, parent, tier);
    const { candidate } = rendered;
    opened.push(...grantsOpened(contract, base, tier, candidate, before));
    const plan =
      candidate === undefined
        ? undefined
        : makePlan(before === undefined ? new Map() : asApplied(before), candidate.desired);
    checks.push({ tier, candidate, plan });
  }
  findings.push(...opened);
  findings.push(
    ...compareStagingAndProd(await git.sourceAt(commit), {
      root,
      contract,
      now,
      git: { commit },
      ...(artifacts === undefined ? {} : { artifacts: artifacts.map(({ name }) => name) }),
    }),
  );
  const waiting = await waitingFor(request, checks, parent);
  const release = checks.find(({ candidate }) => candidate !== undefined)?.candidate?.digest ?? "";
  return {
    findings: unique(findings),
    outputs: {
      "release-digest": release,
      "plan-digest": "",
      "drift-digest": "",
      changed: String(checks.some(({ plan }) => plan?.empty === false)),
      "deployment-id": "",
    },
    summary: blocks(
      summary(checks, parent, release, findings.some(isFailure)),
      openedSection(opened),
      ...waiting.map(waitingSection),
    ),
    report: {
      mode: "plan",
      tier: "all",
      commit,
      release,
      base: parent ?? null,
      tiers: Object.fromEntries(
        checks.map(({ tier, plan }) => [tier, plan === undefined ? null : plan.changes.map(changeJson)]),
      ),
      gathered: Object.fromEntries(waiting.map(({ tier, since }) => [tier, gatheredJson(since)])),
    },
  };
}

/** Dev's part is told only if dev does not stand at the parent: else it is the plan above. */
async function waitingFor(
  request: ValidateRequest,
  checks: readonly TierCheck[],
  parent: string | undefined,
): Promise<Waiting[]> {
  const { indexed, git } = request;
  if (indexed === undefined) return [];
  const waiting: Waiting[] = [];
  for (const tier of ["dev", "prod"] as const) {
    const candidate = checks.find((check) => check.tier === tier)?.candidate;
    if (candidate === undefined) continue;
    const from = await indexed(tier);
    if (!from.known) waiting.push({ tier, since: from });
    else if (from.value === undefined) waiting.push({ tier, since: known(undefined) });
    else if (tier !== "dev" || from.value !== parent) {
      const since = await gatheredSince(git, from.value, candidate, (commit) => candidateBefore(request, commit, tier));
      waiting.push({ tier, since: known(since) });
    }
  }
  return waiting;
}

/** Whether evidence would go to the default branch. Whether its branch only grows is asked where it is used. */
function evidenceBranchFindings(
  { evidenceBranch, at }: Pick<Contract, "evidenceBranch" | "at">,
  defaultBranch: string | undefined,
): Finding[] {
  if (evidenceBranch === undefined) return [];
  const where = at(["evidence", "branch"]);
  if (defaultBranch !== undefined)
    return evidenceBranch === defaultBranch ? [onDefaultBranch(evidenceBranch, where)] : [];
  return [
    {
      id: "evidence/default-branch-unknown",
      severity: "warning",
      where,
      message: `Whether evidence.branch, ${evidenceBranch}, is the default branch is not known here: the run's event does not name the default branch.`,
      why: "The default branch is no place for evidence, and the gate to prod refuses it.",
      remedy: "Validate on pull_request, merge_group or push, whose events name it, or see that it is another branch.",
    },
  ];
}

async function candidateAt(
  { git, root, artifacts, now }: ValidateRequest,
  contract: Contract,
  commit: string,
  name: TierName,
): Promise<{ candidate: Candidate | undefined; findings: readonly Finding[] }> {
  const tier = resolveTier(contract, name, { developer: SOMEBODY });
  return candidateOf({ git, commit, root, contract, tier, artifacts, now });
}

/** The parent, as far as it can be rendered: what was broken before is not this commit's to explain. */
async function candidateBefore(
  request: ValidateRequest,
  parent: string,
  tier: TierName,
): Promise<Candidate | undefined> {
  const contract = await contractBefore(request, parent);
  if (contract === undefined) return undefined;
  try {
    return (await candidateAt(request, contract, parent, tier)).candidate;
  } catch (error) {
    if (error instanceof FourTierError) return undefined;
    throw error;
  }
}

async function contractBefore(request: ValidateRequest, parent: string): Promise<Contract | undefined> {
  try {
    return await contractAt(request.git, parent, request.contract.file, request.allowedHosts);
  } catch (error) {
    if (error instanceof FourTierError) return undefined;
    throw error;
  }
}

/** Who gets what in staging and prod by this commit and had not before; without a base, everybody it names. */
function grantsOpened(
  contract: Contract,
  base: Contract | undefined,
  tier: TierName,
  candidate: Candidate | undefined,
  before: Candidate | undefined,
): Finding[] {
  const resources = [...(candidate?.rendered.resources.values() ?? [])];
  const after = declaredFor(contract, tier, resources);
  // A first contract makes its tiers; the principals of those are no news.
  const was = declaredFor(base ?? without(contract), tier, [...(before?.rendered.resources.values() ?? [])]);
  return [...openedBy(was, after), ...unnamedInBundle(after, resources)];
}

function without(contract: Contract): Contract {
  return { ...contract, grants: { ...contract.grants, rules: [], exceptions: [] } };
}

function openedSection(opened: readonly Finding[]): string {
  const paths = opened.filter(({ id }) => id === "grants/opens-path");
  if (paths.length === 0) return "";
  return blocks(
    "### New paths into staging and prod",
    paths
      .map(({ message, where }) => `- ${text(message)}${where === undefined ? "" : ` (${code(describeWhere(where))})`}`)
      .join("\n"),
  );
}

function summary(checks: readonly TierCheck[], parent: string | undefined, release: string, failed: boolean): string {
  const rows = checks.map(({ tier, candidate, plan }) => [
    `${candidate === undefined ? "❌" : "✅"} ${text(tier)}`,
    candidate === undefined ? "" : String(candidate.desired.length),
    plan === undefined ? "" : String(changed(plan).length),
  ]);
  const unbuilt = checks.some(
    ({ candidate }) => candidate?.artifacts.length === 0 && candidate.rendered.artifacts.length > 0,
  );
  const digest = `${code(release)}${unbuilt ? ", without the wheels, which are built after the merge and change it" : ""}`;
  const against = parent === undefined ? "the empty repository" : code(shortSha(parent));
  return blocks(
    failed ? "This commit cannot be deployed as it is: see the findings." : "Every tier can take this commit.",
    table(["Tier", "Resources", "Changed"], rows),
    `Compared with ${against}, the first parent.${release === "" ? "" : ` Release digest: ${digest}.`}`,
    ...checks.flatMap(({ tier, plan }) =>
      plan === undefined || plan.empty ? [] : [details(`What changes in ${text(tier)}`, planTable(plan.changes, tier))],
    ),
  );
}

/** At most this many commits are listed; the rest is counted. */
const MOST_COMMITS = 30;

function waitingSection({ tier, since }: Waiting): string {
  const title = `### What ${tier === "dev" ? "dev would get" : "has gathered for prod"}`;
  if (!since.known) return blocks(title, `Not known: ${text(since.why)}`);
  const gathered = since.value;
  if (gathered === undefined)
    return blocks(title, `No record says that ${tier} has a release: it would get everything.`);
  const { from, commits, plan } = gathered;
  if (commits === undefined) {
    return blocks(title, `Its records name ${code(shortSha(from))}, which this clone does not hold.`);
  }
  return blocks(
    title,
    `By its records ${tier} has ${code(shortSha(from))}, ${commits.length === 1 ? "one commit" : `${commits.length} commits`} ago. Records are an index: what ${tier} really has, the brief proves.`,
    plan === undefined ? "That commit cannot be rendered any more." : planTable(plan.changes, tier),
    details(
      "Commits",
      table(
        ["Commit", "Title", "Author"],
        commits
          .slice(0, MOST_COMMITS)
          .map(({ commit, subject, authorName }) => [code(shortSha(commit)), text(subject), text(authorName)]),
      ),
    ),
  );
}

function gatheredJson(since: Waiting["since"]): JsonObject | null {
  if (!since.known || since.value === undefined) return null;
  const { from, commits, plan } = since.value;
  return {
    from,
    commits: commits?.map(({ commit }) => commit) ?? null,
    changes: plan?.changes.map(changeJson) ?? null,
  };
}

/** The same finding in four tiers is one finding. */
function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Map(
    findings.map((finding) => [JSON.stringify([finding.id, finding.where, finding.message]), finding]),
  );
  return [...seen.values()];
}
