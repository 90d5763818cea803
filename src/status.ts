/** What a tier has by its own ledger, since when, verified or not, and what stands in its way. Reads, proves nothing. */
import type { Tier } from "./contract/model.ts";
import type { Workspace } from "./databricks/workspace.ts";
import { FourTierError } from "./findings.ts";
import { inUtc } from "./gate/wall-clock.ts";
import { together } from "./http/pool.ts";
import type { JsonObject } from "./json.ts";
import { lockHolder } from "./ledger/lock.ts";
import { type Ledger, type LedgerRelease, verdictOn } from "./ledger/model.ts";
import { tierFolder } from "./ledger/paths.ts";
import { readLedger } from "./ledger/store.ts";
import { noLedger } from "./release/lost-ledger.ts";
import { blocks, code, table, text } from "./report/markdown.ts";
import type { ActionResult } from "./report/report.ts";
import { shortSha } from "./short-sha.ts";

/** What the ledger says, and who holds the lock. Throws FourTierError `ledger/missing` if the tier has no ledger. */
export async function status(workspace: Workspace, tier: Tier, principal: string): Promise<ActionResult> {
  const folder = tierFolder(principal, tier);
  const [ledger, holder] = await together([
    readLedger(workspace, folder, { project: tier.project, tier: tier.name }),
    lockHolder(workspace, folder),
  ]);
  const release = ledger?.release;
  if (ledger === undefined || release === undefined) throw new FourTierError(noLedger(tier.name, folder));
  return {
    findings: [],
    outputs: { "release-digest": release.digest, commit: release.commit },
    summary: blocks(
      `**${text(tier.name)}** has commit ${code(shortSha(release.commit))} since ${text(inUtc(release.at))}.`,
      table(["", ""], rowsOf(ledger, release, holder)),
      table(
        ["Before it", "Since"],
        ledger.history
          .slice(1, 6)
          .map(({ commit, digest, at }) => [`${code(commit)} ${code(digest)}`, text(inUtc(at))]),
      ),
    ),
    report: reportOf(tier, ledger, release),
  };
}

function rowsOf(ledger: Ledger, release: LedgerRelease, holder: Awaited<ReturnType<typeof lockHolder>>): string[][] {
  const verdict = verdictOn(ledger, release.digest);
  return [
    ["Release", code(release.digest)],
    ["Commit", code(release.commit)],
    ["Applied by run", `${code(release.run.id)}, attempt ${release.run.attempt}`],
    [
      "Verified",
      verdict === undefined ? "not yet" : `${verdict.passed ? "passed" : "failed"}, ${text(inUtc(verdict.at))}`,
    ],
    ["Resources", String(ledger.resources.size)],
    ...[...(ledger.left ?? [])].map(([key, { kind, id }]) => [
      "Left by a rollback",
      `${code(key)} (${text(kind)} ${code(id)}), in no release`,
    ]),
    ...(holder === undefined ? [] : [["Locked by run", `${code(holder.run)}, attempt ${holder.attempt}`]]),
    ...(ledger.pending === undefined
      ? []
      : [["Unfinished", `the promotion of ${code(shortSha(ledger.pending.release.commit))}`]]),
    ...ledger.holds.map((hold) => [
      hold.kind === "tier" ? "Held against promotions" : `Schedules held: ${text(hold.selector)}`,
      `${text(hold.reason)} (${text(hold.by)}, ${text(inUtc(hold.at))}${hold.until === undefined ? "" : `, until ${text(inUtc(hold.until))}`})`,
    ]),
  ];
}

function reportOf(tier: Tier, ledger: Ledger, release: LedgerRelease): JsonObject {
  const verdict = verdictOn(ledger, release.digest);
  return {
    tier: tier.name,
    release: { digest: release.digest, commit: release.commit, at: release.at, run: { ...release.run } },
    verified: verdict === undefined ? null : { passed: verdict.passed, at: verdict.at, run: { ...verdict.run } },
    pending: ledger.pending?.release.commit ?? null,
    left: [...(ledger.left ?? [])].map(([key, each]) => ({ key, ...each })),
    holds: ledger.holds.map(({ kind, selector, reason, by, at, until }) => ({
      kind,
      selector,
      reason,
      by,
      at,
      until: until ?? null,
    })),
    history: ledger.history.map(({ digest, commit, at }) => ({ digest, commit, at })),
  };
}
