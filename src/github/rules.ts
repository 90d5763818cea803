/** Rules that rulesets put on branches. */
import * as v from "valibot";
import type { GitHub } from "./client.ts";

const RuleSchema = v.object({ type: v.string() });

/**
 * The types of the active rules of a branch, of the repository's rulesets and of those above it; the branch need not be
 * there. Who may bypass them is not shown, and classic protection is not among them (REST reference, "Get rules for a
 * branch"). Needs `metadata: read`, which every token has.
 */
export async function activeRules(github: GitHub, branch: string): Promise<string[]> {
  const types: string[] = [];
  const route = "GET /repos/{owner}/{repo}/rules/branches/{branch}";
  for await (const { type } of github.list(route, { branch }, RuleSchema, "contents: read")) types.push(type);
  return types;
}
