/** What rules say about a branch, and how each feature shows them. */
import type { Schemas } from "./http.ts";
import type { BranchRules } from "./scenario.ts";
import { matchesPattern } from "./text.ts";
import type { World } from "./world.ts";

/** The rules of a branch, whichever feature they come from. */
export function rulesFor(world: World, branch: string): BranchRules | undefined {
  for (const [pattern, rules] of world.branchRules) if (matchesPattern(pattern, branch)) return rules;
  return undefined;
}

/** What `protected` of a branch says. */
export function isProtected({ scenario }: World, rules: BranchRules | undefined): boolean {
  return holds(rules) && (rules?.by === "classic" || scenario.assumptions.rulesets_protect);
}

/** A ruleset that only evaluates, or is disabled, holds nobody up. */
function holds(rules: BranchRules | undefined): boolean {
  return rules?.by === "classic" || rules?.enforcement === "active";
}

/** Whether a change comes in by a pull request only. */
export function needsPull(rules: BranchRules | undefined): boolean {
  return holds(rules) && rules?.require_pull_request === true;
}

/** A branch's active rules, one an entry; those of rulesets that are not active are not listed, nor who may bypass them. */
export function listOfRules(rules: BranchRules, repository: string): Schemas["repository-rule-detailed"][] {
  if (rules.by === "classic" || !holds(rules)) return [];
  const source = { ruleset_source_type: "Repository" as const, ruleset_source: repository, ruleset_id: 1 };
  const pull = {
    dismiss_stale_reviews_on_push: rules.dismiss_stale_reviews,
    require_code_owner_review: rules.require_code_owner_review,
    require_last_push_approval: rules.require_last_push_approval,
    required_approving_review_count: rules.required_approving_review_count,
    required_review_thread_resolution: false,
  };
  const checks = {
    required_status_checks: rules.required_status_checks.map((context) => ({ context })),
    strict_required_status_checks_policy: false,
  };
  return [
    ...(rules.forbid_deletion ? [{ type: "deletion" as const, ...source }] : []),
    ...(rules.forbid_force_push ? [{ type: "non_fast_forward" as const, ...source }] : []),
    ...(rules.require_pull_request ? [{ type: "pull_request" as const, parameters: pull, ...source }] : []),
    ...(rules.required_status_checks.length === 0
      ? []
      : [{ type: "required_status_checks" as const, parameters: checks, ...source }]),
  ];
}
