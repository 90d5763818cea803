/**
 * Whether the branch that the contract names for evidence only grows: what stands on it can be neither deleted with it nor
 * rewritten. Active rules of rulesets say so, and any job's token may read them; classic protection shows them to
 * administrators only, and counts as not seen.
 */
import type { Finding, Where } from "../findings.ts";

/** The rules that together make a branch append-only, by GitHub's names (REST reference, "Get rules for a branch"). */
const APPEND_ONLY = ["deletion", "non_fast_forward"] as const;
type AppendOnlyRule = (typeof APPEND_ONLY)[number];

/** The branch as GitHub shows it. */
export interface EvidencePlace {
  readonly branch: string;
  /** Its newest commit; undefined if there is no such branch. */
  readonly head: string | undefined;
  /** It is the repository's default branch. */
  readonly isDefault: boolean;
  /** Which of the rules no active ruleset has for it. */
  readonly missing: readonly AppendOnlyRule[];
}

/** Which of the rules are missing among those that are active, by type. */
export function missingRules(active: readonly string[]): AppendOnlyRule[] {
  return APPEND_ONLY.filter((rule) => !active.includes(rule));
}

/** Why evidence cannot be kept there; empty if it can. */
export function placeFindings({ branch, head, isDefault, missing }: EvidencePlace): Finding[] {
  const findings: Finding[] = [];
  if (isDefault) findings.push(onDefaultBranch(branch));
  if (head === undefined) {
    findings.push({
      id: "evidence/no-branch",
      severity: "error",
      message: `There is no branch ${branch}, which the contract names for evidence.`,
      remedy: `Make it, with a history of its own: ${makeBranch(branch)}${missing.length > 0 ? ` Then add the ruleset: ${addRules(branch)}` : ""}`,
    });
  } else if (missing.length > 0) {
    findings.push({
      id: "evidence/not-append-only",
      severity: "error",
      message: `Nothing shows that ${branch} only grows: no active ruleset has the ${missing.length === 1 ? "rule" : "rules"} ${missing.join(" and ")} for it.`,
      why: "What can be deleted or rewritten is not kept. Classic branch protection does not count: a job may not read it.",
      remedy: `An administrator adds a ruleset, which nobody may bypass: ${addRules(branch)}`,
    });
  }
  return findings;
}

/** The default branch is no place for evidence; `where`: the line that names it, if it is at hand. */
export function onDefaultBranch(branch: string, where?: Where): Finding {
  return {
    id: "evidence/default-branch",
    severity: "error",
    ...(where === undefined ? {} : { where }),
    message: `The contract's evidence.branch is ${branch}, the default branch.`,
    why: "What is released comes from there, by reviewed pull requests; documents of runs would come in past them.",
    remedy: "Name a branch of its own in the contract, such as four-tier-evidence.",
  };
}

/** The command that makes the branch, from any clone, and touches nothing that is checked out. */
function makeBranch(branch: string): string {
  return `git push origin "$(git commit-tree "$(git hash-object -wt tree /dev/null)" -m Evidence):refs/heads/${branch}"`;
}

/** The command that makes a branch append-only; `gh` puts in the repository. */
export function addRules(branch: string): string {
  const ruleset = {
    name: "four-tier evidence",
    target: "branch",
    enforcement: "active",
    bypass_actors: [],
    conditions: { ref_name: { include: [`refs/heads/${branch}`], exclude: [] } },
    rules: APPEND_ONLY.map((type) => ({ type })),
  };
  return `gh api repos/{owner}/{repo}/rulesets --input - <<< '${JSON.stringify(ruleset)}'`;
}
