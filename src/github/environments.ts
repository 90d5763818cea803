/** Environments: whether the gate in front of a tier is one (facts: github 3). */
import * as v from "valibot";
import { type GitHub, OptionalText } from "./client.ts";

interface Environment {
  readonly name: string;
  readonly url: string | undefined;
  /** Logins and team slugs; any one of them suffices. */
  readonly reviewers: readonly string[];
  readonly preventSelfReview: boolean;
  /** Undefined when GitHub does not say. */
  readonly canAdminsBypass: boolean | undefined;
  readonly branches: BranchPolicy;
}

type BranchPolicy =
  | { readonly kind: "any" }
  | { readonly kind: "protected" }
  | { readonly kind: "custom"; readonly patterns: readonly { readonly name: string; readonly type: string }[] };

const EnvironmentSchema = v.object({
  name: v.string(),
  html_url: OptionalText,
  can_admins_bypass: v.nullish(v.boolean()),
  protection_rules: v.optional(
    v.array(
      v.object({
        type: v.string(),
        prevent_self_review: v.optional(v.boolean()),
        reviewers: v.optional(
          v.array(v.object({ reviewer: v.object({ login: v.optional(v.string()), slug: v.optional(v.string()) }) })),
        ),
      }),
    ),
    [],
  ),
  deployment_branch_policy: v.nullish(
    v.object({ protected_branches: v.boolean(), custom_branch_policies: v.boolean() }),
  ),
});

const PatternSchema = v.object({ name: v.string(), type: v.optional(v.string(), "branch") });

const ENVIRONMENT = "/repos/{owner}/{repo}/environments/{environment_name}";

/** An environment with its rules; undefined if there is none (a run that names it would create it without any). */
export async function getEnvironment(github: GitHub, name: string): Promise<Environment | undefined> {
  const found = await github.find(`GET ${ENVIRONMENT}`, { environment_name: name }, EnvironmentSchema, "actions: read");
  if (found === undefined) return undefined;
  const review = found.protection_rules.find((rule) => rule.type === "required_reviewers");
  return {
    name: found.name,
    url: found.html_url,
    reviewers: (review?.reviewers ?? []).map(({ reviewer }) => reviewer.login ?? reviewer.slug ?? "unknown"),
    preventSelfReview: review?.prevent_self_review ?? false,
    canAdminsBypass: found.can_admins_bypass ?? undefined,
    branches: await branchPolicy(github, name, found.deployment_branch_policy ?? undefined),
  };
}

async function branchPolicy(
  github: GitHub,
  name: string,
  policy: { protected_branches: boolean; custom_branch_policies: boolean } | undefined,
): Promise<BranchPolicy> {
  if (policy === undefined) return { kind: "any" };
  if (policy.protected_branches) return { kind: "protected" };
  const patterns: { name: string; type: string }[] = [];
  for await (const pattern of github.list(
    `GET ${ENVIRONMENT}/deployment-branch-policies`,
    { environment_name: name },
    PatternSchema,
    "actions: read",
  )) {
    patterns.push(pattern);
  }
  return { kind: "custom", patterns };
}
