/**
 * What somebody did to a tier by hand: resources that are not as they were applied, or gone, and a release that no run
 * of ours provably brought there. Only looks; the release is the tier's own, so no gate has a say.
 */
import type { Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { Finding } from "./findings.ts";
import type { Fact } from "./gate/facts.ts";
import { together } from "./http/pool.ts";
import { type Ledger, saysNothing } from "./ledger/model.ts";
import { ledgerPath, tierFolder } from "./ledger/paths.ts";
import { readLedgerIfAllowed } from "./ledger/store.ts";
import { observeStrays, type Stray } from "./release/census.ts";
import type { Drift, DriftEntry } from "./release/change.ts";
import type { CurrentRelease } from "./release/current-release.ts";
import { driftOf } from "./release/drift.ts";
import { fieldText } from "./release/fields.ts";
import { leftFindings, leftOf } from "./release/left.ts";
import { observe } from "./release/observe.ts";
import { driftContext } from "./release/standing.ts";
import { findingsOutput } from "./report/carried-findings.ts";
import { blocks, code, count } from "./report/markdown.ts";
import { driftJson, driftTable } from "./report/promotion.ts";
import type { ActionResult } from "./report/report.ts";
import { shortSha } from "./short-sha.ts";

interface DriftRequest {
  readonly tier: Tier;
  readonly workspace: Workspace;
  /** Application id of the tier's own principal: whose folder holds the ledger. */
  readonly principal: string;
  /** What the tier has as far as runs prove it. */
  readonly current: () => Promise<Fact<Pick<CurrentRelease, "commit" | "release"> | undefined>>;
  readonly log: { info(message: string): void };
}

/** Compares a tier with its ledger, and the ledger with what is proven. Throws ApiError if the tier cannot be read. */
export async function findDrift(request: DriftRequest): Promise<ActionResult> {
  const { tier, workspace, principal, log } = request;
  const folder = tierFolder(principal, tier);
  const [ledger, current] = await together([
    readLedgerIfAllowed(workspace, folder, { project: tier.project, tier: tier.name }),
    request.current(),
  ]);
  if (ledger === "refused") return resultOf(tier, undefined, undefined, [unseen(tier, folder)]);
  if (ledger?.release === undefined) log.info(`There is no applied release in ${ledgerPath(folder)}.`);
  const [observation, strays] = await together([
    // Nothing is to go: what is declared is not asked about.
    observe(workspace, { tier: { ...tier, destructive: [] }, principal, ledger, desired: [] }),
    // Without a ledger nothing is known, and everything would look like a stray.
    ledger === undefined || saysNothing(ledger) ? [] : observeStrays(workspace, { tier, principal, ledger }),
  ]);
  const applied = ledger?.resources ?? new Map();
  const place = { tier, principal, folder };
  const drift = driftOf(applied, observation.live, driftContext(applied, observation, place, ledger?.holds));
  return resultOf(tier, ledger, drift, [
    ...observation.findings,
    ...drift.entries.map((entry) => entryFinding(tier, entry, drift.digest)),
    ...strays.map((stray) => strayFinding(tier, stray)),
    ...leftFindings(tier.name, leftOf(ledger, observation, new Set(applied.keys()), { ...tier, destructive: [] })),
    ...releaseFindings(tier, ledger, current),
  ]);
}

function entryFinding(tier: Tier, { key, what, fields }: DriftEntry, digest: string): Finding {
  return {
    id: what === "missing" ? "drift/missing" : "drift/changed",
    severity: "error",
    where: { kind: "resource", tier: tier.name, key },
    message:
      what === "missing"
        ? `${key} was promoted to ${tier.name} and is not there any more.`
        : `${key} in ${tier.name} is not as it was promoted: ${fields.map(fieldText).join("; ")}.`,
    why: "Somebody changed it by hand.",
    remedy: `To keep the change, bring it into the repository and promote. To undo it, promote again${tier.name === "dev" ? "" : ` with accept-drift: ${digest}`}`,
  };
}

/** What carries our tags and is of no release: no promotion, rollback or teardown speaks of it, and it runs all the same. */
function strayFinding(tier: Tier, { key, kind, id, name, creator, managedBy }: Stray): Finding {
  const how = managedBy === "bundle" ? ", deployed by a bundle" : "";
  return {
    id: "drift/stray",
    severity: "error",
    where: { kind: "resource", tier: tier.name, key },
    message: `${name} (${kind} ${id}) carries the tags of ${key} in ${tier.name}, and no promotion made it${how}${creator === undefined ? "" : `; ${creator} did`}.`,
    why: "A clone, or a copy that somebody deployed by hand, runs beside what was promoted.",
    remedy: "Delete it, or remove its four_tier_ tags if it is to stay.",
  };
}

/** A ledger is only a copy: what it says must be what a run of ours brought. */
function releaseFindings(
  tier: Tier,
  ledger: Ledger | undefined,
  current: Fact<Pick<CurrentRelease, "commit" | "release"> | undefined>,
): Finding[] {
  if (tier.name === "sandbox") return [];
  if (!current.known) {
    return [{ id: "drift/release-unknown", severity: "unknown", message: current.why, remedy: current.remedy }];
  }
  const has = ledger?.release;
  const proven = current.value;
  if (has?.digest === proven?.release) return [];
  const name = (release: string | undefined): string => (release === undefined ? "none" : shortSha(release));
  return [
    {
      id: "drift/release",
      severity: "error",
      message: `The ledger of ${tier.name} says release ${name(has?.digest)}, and what runs of our workflows prove is ${name(proven?.release)}.`,
      why: "Somebody deployed without the workflows, changed the ledger, or a promotion was not recorded.",
      remedy: "Look who wrote to the tier, and promote again.",
    },
  ];
}

function unseen(tier: Tier, folder: string): Finding {
  return {
    id: "drift/ledger-unseen",
    severity: "unknown",
    message: `The principal may not read ${ledgerPath(folder)}, which says what was promoted to ${tier.name}.`,
    remedy: `Put it into the group of tiers.${tier.name}.readers of the contract; the next promotion lets it in.`,
  };
}

function lead(drift: Drift | undefined): string {
  if (drift === undefined) return "";
  if (drift.empty) return "What lives is what was promoted.";
  const changed = drift.entries.length;
  return `**${count(changed, "resource")} ${changed === 1 ? "is" : "are"} not as promoted:** somebody changed ${changed === 1 ? "it" : "them"} by hand.`;
}

function resultOf(
  tier: Tier,
  ledger: Ledger | undefined,
  drift: Drift | undefined,
  findings: readonly Finding[],
): ActionResult {
  const release = ledger?.release;
  return {
    findings,
    outputs: { findings: findingsOutput(findings), "drift-digest": drift?.digest ?? "" },
    summary: blocks(
      release === undefined
        ? `${code(tier.name)} has no release.`
        : `${code(tier.name)} has commit ${code(shortSha(release.commit))}, release ${code(shortSha(release.digest))}. ${lead(drift)}`,
      drift === undefined ? "" : driftTable(drift, tier.name),
    ),
    report: {
      mode: "drift",
      tier: tier.name,
      release: release?.digest ?? null,
      drift: drift === undefined ? null : driftJson(drift),
    },
  };
}
