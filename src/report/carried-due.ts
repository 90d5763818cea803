/** What a clean-up came to, as its job hands it to the one that writes the issue. */
import * as v from "valibot";
import type { CleanResult, CleanRow } from "../clean.ts";
import { DAY } from "../sandboxes/decide.ts";

const Sandbox = v.object({
  catalog: v.string(),
  /** GitHub login. */
  developer: v.string(),
  /** Among the contract's users: who has left is not to be told. */
  here: v.boolean(),
  /** A clause. */
  why: v.string(),
  /** `warned`: by this run. `waits`: by an earlier one. `due`: a later run removes it. `removed`: by this run. */
  is: v.picklist(["warned", "waits", "due", "removed"]),
  /** The first day on which it may be removed; empty if that has come. */
  from: v.string(),
});
const Due = v.object({ dryRun: v.boolean(), sandboxes: v.array(Sandbox) });

/** A sandbox that was warned of, is due, or was removed. */
export type DueSandbox = v.InferOutput<typeof Sandbox>;
/** What a clean-up came to. */
type DueSandboxes = v.InferOutput<typeof Due>;

/** As an output for another job. `users` are the contract's logins; `graceDays` and `now` are the clean-up's. */
export function dueOutput(
  { dryRun, rows }: CleanResult,
  rules: { readonly users: ReadonlySet<string>; readonly graceDays: number; readonly now: Date },
): string {
  const sandboxes = rows.flatMap((row): DueSandbox[] => {
    const is = stateOf(row);
    const { catalog, developer = "", decision } = row;
    if (is === undefined) return [];
    const from =
      decision.do === "wait"
        ? decision.until
        : is === "warned"
          ? new Date(rules.now.getTime() + rules.graceDays * DAY)
          : undefined;
    const here = rules.users.has(developer);
    return [{ catalog, developer, here, why: decision.why, is, from: from?.toISOString().slice(0, 10) ?? "" }];
  });
  return JSON.stringify({ dryRun, sandboxes } satisfies DueSandboxes);
}

/** `dueOutput` read back; undefined for anything else. */
export function readDue(output: string): DueSandboxes | undefined {
  try {
    const parsed = v.safeParse(Due, JSON.parse(output));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function stateOf({ decision, outcome }: CleanRow): DueSandbox["is"] | undefined {
  switch (decision.do) {
    case "warn":
      return outcome === "failed" ? undefined : "warned"; // a warning that is not marked removes nothing
    case "wait":
      return "waits";
    case "remove":
      return outcome === "done" ? "removed" : "due";
    default:
      return undefined;
  }
}
