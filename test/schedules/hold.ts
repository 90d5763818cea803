/** A hold on everything of the project, as a ledger has it. */
import type { Hold } from "../../src/ledger/holds.ts";

export function hold(more: Partial<Hold> = {}): Hold {
  return {
    id: "a".repeat(64),
    kind: "schedules",
    selector: "all",
    scope: "project",
    reason: "incident 7",
    by: "octocat",
    at: "2027-01-01T00:00:00.000Z",
    until: undefined,
    run: { id: "77", attempt: 1 },
    prior: [],
    ...more,
  };
}
