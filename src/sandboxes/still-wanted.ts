/**
 * Asked under a sandbox's lock, right before a deployment writes: building and waiting take time, and meanwhile the
 * sandbox may have begun to go, the pull request may have been closed, and a newer run may have been quicker.
 */
import type { Tier } from "../contract/model.ts";
import { getCatalog } from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import { shortSha } from "../short-sha.ts";
import { markFinding } from "./mark.ts";

/** A deployment to a sandbox that waited its turn. */
export interface WantedQuestion {
  readonly workspace: Workspace;
  readonly tier: Tier;
  /** What the sandbox has, or half has; undefined for nothing. */
  readonly deployed: LedgerRelease | undefined;
  readonly run: { readonly runId: string };
  /** The branch that is deployed; undefined for none. */
  readonly branch: string | undefined;
  /** The branch that a run was for; undefined if GitHub does not say. */
  readonly branchOf: (run: string) => Promise<string | undefined>;
  /** The pull request: when this run was started, and now. Undefined for a run that is for none. */
  readonly pull:
    | {
        readonly number: string;
        readonly head: string;
        /** The label that asked for it; undefined if none is needed. */
        readonly label: string | undefined;
        readonly now: () => Promise<{
          readonly isOpen: boolean;
          readonly head: string;
          readonly labels: readonly string[];
        }>;
      }
    | undefined;
}

/** Why a deployment must not go on; undefined if it may. Throws FourTierError for what cannot be told. */
export async function whyNotWanted(question: WantedQuestion): Promise<Finding | undefined> {
  const { workspace, tier, deployed, run, branch, branchOf, pull } = question;
  const catalog = await getCatalog(workspace, tier.catalog);
  if (catalog === undefined) return gone(tier.catalog);
  const mark = markFinding(tier, catalog);
  if (mark !== undefined) return mark;
  if (pull !== undefined) {
    const now = await pull.now();
    if (!now.isOpen) {
      const remedy = "Nothing; or reopen the pull request, which deploys it.";
      return notDeployed(tier, "sandbox/closed", `pull request ${pull.number} was closed meanwhile`, remedy);
    }
    const label = pull.label?.toLowerCase(); // GitHub tells no labels apart by case
    if (label !== undefined && !now.labels.some((each) => each.toLowerCase() === label)) {
      const why = `pull request ${pull.number} has lost its label ${pull.label ?? ""} meanwhile`;
      return notDeployed(tier, "sandbox/unlabeled", why, "Nothing; or label the pull request again, which deploys it.");
    }
    if (now.head !== pull.head) {
      const newer = `pull request ${pull.number} has a newer commit, ${shortSha(now.head)}`;
      return notDeployed(tier, "sandbox/older-commit", newer);
    }
  }
  if (deployed === undefined || branch === undefined || BigInt(deployed.run.id) <= BigInt(run.runId)) return undefined;
  if ((await branchOf(deployed.run.id)) !== branch) return undefined;
  return notDeployed(
    tier,
    "sandbox/older-commit",
    `run ${deployed.run.id}, which was started later for ${branch}, has deployed ${shortSha(deployed.commit)}`,
  );
}

function gone(catalog: string): Finding {
  return {
    id: "sandbox/gone",
    severity: "error",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `Nothing was deployed: the catalog ${catalog} is gone since this run looked at it.`,
    remedy: "Have the sandbox provisioned for this developer by name, then deploy again.",
  };
}

const NEWER =
  "Nothing: the newer one stays. To deploy this commit all the same, start a new run of its branch by hand.";

function notDeployed(tier: Tier, id: string, why: string, remedy = NEWER): Finding {
  return {
    id,
    severity: "error",
    where: { kind: "securable", type: "catalog", name: tier.catalog },
    message: `Nothing was deployed: ${why}.`,
    remedy,
  };
}
