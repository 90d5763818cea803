/** What the mark of a sandbox is after it was decided about. */
import type { Contract } from "../contract/model.ts";
import type { Catalog } from "../databricks/unity.ts";
import { DAY, type Decision, type Rules } from "./decide.ts";
import { MARK, readMark, removingSince, sandboxComment } from "./mark.ts";

/** What is to be written of a decision; undefined if nothing changes by as much as a day. */
export function changeAfter(
  catalog: Catalog,
  decision: Decision,
  rules: Rules,
  contract: Contract,
): { properties?: Readonly<Record<string, string>>; comment?: string } | undefined {
  const properties = markAfter(catalog, decision, rules);
  // A removal that was interrupted, of what is in use again.
  const isRevived = (decision.do === "keep" || decision.do === "warn") && removingSince(catalog) !== undefined;
  const developer = readMark(catalog.properties).developer ?? "";
  if (!isRevived) return properties === undefined ? undefined : { properties };
  return { ...(properties === undefined ? {} : { properties }), comment: sandboxComment(developer, contract.project) };
}

/** All properties as they shall be after a decision; undefined if nothing changes by as much as a day. */
function markAfter(
  catalog: Catalog,
  decision: Decision,
  { now, keepDays, graceDays }: Rules,
): Record<string, string> | undefined {
  if (decision.do !== "keep" && decision.do !== "warn") return undefined;
  const mark = readMark(catalog.properties);
  const known = mark.lastUse === undefined ? 0 : Date.parse(mark.lastUse);
  const isWarning = decision.do === "warn";
  const stale = decision.lastUse - known >= DAY;
  if (!isWarning && !stale && !decision.unwarn) return undefined;
  const expires = isWarning ? now.getTime() + graceDays * DAY : decision.lastUse + keepDays * DAY;
  return {
    ...catalog.properties,
    [MARK.lastUse]: new Date(decision.lastUse).toISOString(),
    [MARK.expires]: new Date(expires).toISOString(),
    // Sent empty: a service that merges properties has no other way to take one back.
    [MARK.warned]: isWarning ? now.toISOString() : "",
  };
}
