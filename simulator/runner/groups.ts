/** `concurrency:` of a workflow or job: one in the group at a time (facts: github 2). */
import type { ConcurrencyGroups, ConcurrencyRequest } from "../github/concurrency.ts";
import { isDictionary, resolve, type Scope, textOf, truthy } from "./expressions.ts";
import { UnmodelledError } from "./unmodelled.ts";
import type { TemplateToken } from "./workflow.ts";

/** The groups that a job's callers hold already. */
export interface GroupHolder {
  readonly groups: readonly string[];
}

/** What came of wanting to enter. */
export type Entered =
  | { readonly kind: "entered"; readonly groups: readonly string[]; readonly leave: () => void }
  | { readonly kind: "refused"; readonly why: string };

/** Enters the group that `concurrency:` names, waiting for its turn; no `concurrency:` enters nothing. */
export async function enterGroup(
  token: TemplateToken | undefined,
  scope: Scope,
  holder: GroupHolder,
  all: ConcurrencyGroups,
  signal: AbortSignal,
  cancel: () => void,
): Promise<Entered> {
  if (token === undefined) return { kind: "entered", groups: holder.groups, leave: () => undefined };
  const value = resolve(token, scope);
  const group = textOf((isDictionary(value) ? value["group"] : value) ?? null);
  if (group === "") throw new UnmodelledError("concurrency without a group");
  const cancelInProgress = isDictionary(value) && truthy(value["cancel-in-progress"] ?? false);
  const queue = isDictionary(value) && value["queue"] === "max" ? "max" : "single";
  if (holder.groups.includes(group.toLowerCase())) {
    return {
      kind: "refused",
      why: `Canceling since a deadlock for concurrency group '${group}' was detected between the caller and the called workflow`,
    };
  }
  if (queue === "max" && cancelInProgress) {
    return { kind: "refused", why: `queue: max does not go with cancel-in-progress: true (group '${group}')` };
  }
  let why = `Canceling since the run was cancelled while it waited for '${group}'`;
  const request: ConcurrencyRequest = {
    group,
    cancelInProgress,
    queue,
    cancel: (reason) => {
      why = reason;
      cancel();
    },
  };
  const withdraw = (): void => all.withdraw(request);
  signal.addEventListener("abort", withdraw);
  const leave = await all.enter(request);
  signal.removeEventListener("abort", withdraw);
  if (leave === undefined) return { kind: "refused", why };
  if (signal.aborted) {
    leave();
    return { kind: "refused", why };
  }
  return { kind: "entered", groups: [...holder.groups, group.toLowerCase()], leave };
}
