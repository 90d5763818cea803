/**
 * What an event's payload has at its top, as the documentation of webhooks lists it: so that a property that the service
 * would give and we lack is told from one that the service does not give either.
 */

const ALWAYS = ["repository", "sender", "organization", "enterprise", "installation"];

/** By event; of a pull request also by what happened to it. */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  push: [
    "after",
    "base_ref",
    "before",
    "commits",
    "compare",
    "created",
    "deleted",
    "forced",
    "head_commit",
    "pusher",
    "ref",
  ],
  pull_request: ["action", "number", "pull_request"],
  "pull_request synchronize": ["after", "before"],
  "pull_request labeled": ["label"],
  "pull_request unlabeled": ["label"],
  merge_group: ["action", "merge_group"],
  workflow_dispatch: ["inputs", "ref", "workflow"],
  schedule: ["schedule", "workflow"],
};
const ANYWHERE = new Set([...ALWAYS, ...Object.values(DOCUMENTED).flat()]);

/** Whether a property is one of other events or actions only, and so null on the service for this one. */
export function isOfOtherEvents(event: string, action: string, property: string): boolean {
  const given = [...ALWAYS, ...(DOCUMENTED[event] ?? []), ...(DOCUMENTED[`${event} ${action}`] ?? [])];
  return ANYWHERE.has(property) && !given.includes(property);
}
