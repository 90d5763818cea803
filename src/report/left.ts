/** What rollbacks left in a tier, for summaries and briefs. */
import type { Left } from "../release/left.ts";
import { blocks, code, table, text } from "./markdown.ts";

/** One row a resource; an empty string for none. */
export function leftSection(left: readonly Left[], tier: string): string {
  if (left.length === 0) return "";
  return blocks(
    `### Left in ${text(tier)} by a rollback`,
    `${text(tier)}'s release does not declare it. It is paused, and no part of the plan.`,
    table(
      ["Resource", "Kind", "Id", "What becomes of it"],
      left.map(({ key, kind, id, goes }) => [
        code(key),
        text(kind),
        code(id),
        goes
          ? `🔴 deleted: ${code(`tiers.${tier}.destructive`)} lists it`
          : `stays; ${code(`tiers.${tier}.destructive: [${key}]`)} lets the next promotion delete it`,
      ]),
    ),
  );
}
