/** What two tiers of one contract must not share, and what the sandbox must share with dev. */
import type { Finding } from "../findings.ts";
import { type Contract, TIERS, type TierName } from "./model.ts";
import type { ContractFile } from "./schema.ts";
import type { YamlFile } from "./yaml.ts";

/** What two tiers must not share, and what the sandbox must share with dev. `yaml` says where. */
export function checkTiers(contract: Contract, yaml: YamlFile): Finding[] {
  const findings: Finding[] = [];
  const own = TIERS.filter((tier) => tier !== "sandbox");
  /** The place of a tier's key; a default stands nowhere, so the tier itself is shown. */
  const at = (tier: TierName, key: string) => yaml.valueAt(["tiers", tier, key]);

  for (const [lower, upper] of pairs(own)) {
    const a = contract.tiers[lower];
    const b = contract.tiers[upper];
    if (a.catalog.toLowerCase() === b.catalog.toLowerCase()) {
      findings.push({
        id: "contract/tiers-share-catalog",
        severity: "error",
        where: at(upper, "catalog"),
        message: `${lower} and ${upper} have the same catalog, ${b.catalog}.`,
        why: "One contract is one metastore, so it is the same data: what runs in one tier would write the other.",
        remedy: "Give each tier a catalog of its own; for another metastore, write another contract file.",
      });
    }
    if (sameWorkspace(a, b)) {
      findings.push({
        id: "contract/tiers-share-workspace",
        severity: "warning",
        where: at(upper, "workspace"),
        message: `${lower} and ${upper} are in the same workspace.`,
        why: "Catalog bindings cannot keep them apart, and whoever administers one administers the other.",
        remedy: "Give each of dev, staging and prod a workspace of its own.",
      });
    }
  }
  for (const [lower, upper] of pairs(TIERS)) {
    const a = contract.tiers[lower];
    const b = contract.tiers[upper];
    if (a.servicePrincipal === b.servicePrincipal || (a.clientId !== undefined && a.clientId === b.clientId)) {
      findings.push({
        id: "contract/tiers-share-principal",
        severity: "error",
        where: at(upper, a.servicePrincipal === b.servicePrincipal ? "service_principal" : "client_id"),
        message: `${lower} and ${upper} have the same service principal, ${b.servicePrincipal}.`,
        why: "Whoever gets its credential for one tier could change the other.",
        remedy: "Give each tier a service principal of its own.",
      });
    }
  }
  for (const tier of own) {
    if (!/_sandbox$/i.test(contract.tiers[tier].catalog)) continue;
    findings.push({
      id: "contract/catalog-like-sandbox",
      severity: "error",
      where: at(tier, "catalog"),
      message: `The catalog of ${tier}, ${contract.tiers[tier].catalog}, is named like a developer's sandbox.`,
      why: "Sandboxes are removed when nobody uses them.",
      remedy: "Give it a name that does not end in _sandbox.",
    });
  }
  return findings;
}

/** What the sandbox says of its workspace must be what dev says. */
export function checkSandbox(
  file: ContractFile,
  yaml: YamlFile,
  hosts: Readonly<Record<"sandbox" | "dev", string>>,
): Finding[] {
  const { sandbox, dev } = file.tiers;
  const findings: Finding[] = [];
  const differs = (key: "workspace" | "workspace_id", ours: string, theirs: string): void => {
    findings.push({
      id: "contract/sandbox-workspace",
      severity: "error",
      where: yaml.valueAt(["tiers", "sandbox", key]),
      message: `The sandbox's ${key} is ${ours}, dev's is ${theirs}.`,
      why: "Sandboxes stand in dev's workspace, where they read dev.bronze and dev.silver.",
      remedy: `Remove ${key} from the sandbox.`,
    });
  };
  if (sandbox.workspace !== undefined && hosts.sandbox !== hosts.dev) differs("workspace", hosts.sandbox, hosts.dev);
  if (sandbox.workspace_id !== undefined && sandbox.workspace_id !== dev.workspace_id) {
    differs("workspace_id", sandbox.workspace_id, dev.workspace_id ?? "not given");
  }
  return findings;
}

/** One host can serve many workspaces (facts: databricks-api 1.5), so ids decide where both are known. */
function sameWorkspace(a: Contract["tiers"]["dev"], b: Contract["tiers"]["dev"]): boolean {
  if (a.workspaceId !== undefined && b.workspaceId !== undefined) return a.workspaceId === b.workspaceId;
  return a.host === b.host;
}

/** Every two of a list, in its order. */
function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((first, index) => items.slice(index + 1).map((second): [T, T] => [first, second]));
}
