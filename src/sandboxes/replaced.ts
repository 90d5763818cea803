/** One developer has one sandbox: whose deployment made way for another's is said. */
import type { Tier } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { LedgerRelease } from "../ledger/model.ts";

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
    message: `The sandbox had commit ${before.commit.slice(0, 12)}, which run ${before.run.id} deployed; it now has ${commit.slice(0, 12)}.`,
    remedy: "One developer has one sandbox: to have the other back, deploy it again.",
  };
  return [finding];
}
