/** One developer has one sandbox: whose deployment made way for another's is said. */
import type { Tier } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import { shortSha } from "../short-sha.ts";

/** A notice if a deployment to a sandbox has replaced that of another commit. Pure. */
export function replacedNotices(
  tier: Pick<Tier, "name" | "catalog">,
  before: LedgerRelease | undefined,
  commit: string,
): Finding[] {
  if (tier.name !== "sandbox" || before === undefined || before.commit === commit) return [];
  const finding: Finding = {
    id: "sandbox/replaced",
    severity: "notice",
    where: { kind: "securable", type: "catalog", name: tier.catalog },
    message: `The sandbox had commit ${shortSha(before.commit)}, which run ${before.run.id} deployed; it now has ${shortSha(commit)}.`,
    remedy: "One developer has one sandbox: to have the other back, deploy it again.",
  };
  return [finding];
}
