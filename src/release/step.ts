/** The writes that are due in a tier, and their order. */
import type { JsonArray } from "../json.ts";
import type { Intent } from "../ledger/model.ts";
import type { Desired } from "./change.ts";
import { rankOf } from "./kinds/index.ts";
import type { Observed } from "./observe.ts";

/** One write that is due. */
export interface Step {
  readonly key: string;
  readonly kind: string;
  readonly action: Intent["action"];
  readonly name: string;
  /** What it shall be; undefined for a delete. */
  readonly desired: Desired | undefined;
  /** Keys that must stand first. */
  readonly references: readonly string[];
  /** What lives now; undefined if nothing does. */
  readonly live: Observed | undefined;
  /** Settings are to be written: not where only access is, since writing them can restart what runs all the time. */
  readonly settings: boolean;
  /** Access is to be written. */
  readonly permissions: boolean;
  /** The access that we last applied. */
  readonly accessBefore: JsonArray | undefined;
}

/** The same order in groups of which nothing needs anything else of the same group; a deletion stands alone. */
export function independentGroups(order: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of order) {
    const group = groups.at(-1);
    const [first] = group ?? [];
    const alone = step.action === "delete" || step.action === "replace";
    const fits =
      !alone &&
      group !== undefined &&
      first?.kind === step.kind &&
      first.action === step.action &&
      !group.some(({ key }) => step.references.includes(key));
    if (fits) group.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** What is needed first comes first; then the order of kinds; deletions last, users before used. */
export function inOrder(steps: readonly Step[]): Step[] {
  const rank = (step: Step): string => `${rankOf(step.kind)} ${step.key}`;
  const sorted = [...steps].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const byKey = new Map(sorted.map((step) => [step.key, step]));
  const placed = new Set<Step>();
  const order: Step[] = [];
  const place = (step: Step): void => {
    if (placed.has(step)) return;
    placed.add(step);
    for (const key of step.references) {
      const needed = byKey.get(key);
      if (needed !== undefined) place(needed);
    }
    order.push(step);
  };
  for (const step of sorted) place(step);
  const deletions = order.filter((step) => step.action === "delete").reverse();
  return [...order.filter((step) => step.action !== "delete"), ...deletions];
}

/** The write as the ledger notes it before it is made. */
export function intentOf(step: Step): Intent {
  const { desired, live } = step;
  return {
    key: step.key,
    action: step.action,
    name: step.name,
    done: false,
    target:
      desired === undefined
        ? undefined
        : {
            id: step.action === "replace" ? "" : (live?.id ?? ""),
            kind: desired.kind,
            name: desired.name,
            settings: desired.settings,
            permissions: desired.permissions,
            component: desired.component,
            componentDigest: desired.componentDigest,
          },
  };
}
