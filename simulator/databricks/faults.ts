/**
 * Scheduled misfortune: which request meets which fault. Counting is by matching requests, never by time.
 */
import { type Fault, type FaultInput, FaultSchema, parseStrictly } from "./scenario.ts";

/** What a fault is matched against. */
interface Target {
  readonly workspace: string;
  readonly method: string;
  readonly path: string;
  readonly principal: string | undefined;
}

/** A scheduled fault, to be asked whether it struck. */
export interface ScheduledFault {
  readonly fault: Fault;
  /** Requests that matched so far. */
  readonly matched: number;
  /** Requests that were hit so far. */
  readonly hits: number;
  /** No more from now on. */
  cancel(): void;
}

/** Something a test does between two requests: a change by hand, a second run, a check. */
export interface Hook {
  readonly method?: string;
  readonly path: string;
  readonly workspace?: string;
  readonly nth?: number;
  /** After the effect, before the answer leaves; default: before the effect. */
  readonly after?: boolean;
  readonly run: () => void | Promise<void>;
}

class Scheduled implements ScheduledFault {
  readonly fault: Fault;
  readonly #pattern: RegExp;
  matched = 0;
  hits = 0;
  #cancelled = false;

  constructor(fault: Fault) {
    this.fault = fault;
    this.#pattern = wildcard(fault.path);
  }

  cancel(): void {
    this.#cancelled = true;
  }

  /** Does this request meet the fault? Counts it. */
  strikes({ workspace, method, path, principal }: Target): boolean {
    const { fault } = this;
    if (this.#cancelled || !this.#pattern.test(path)) return false;
    if (fault.method !== "*" && fault.method !== method) return false;
    if (fault.workspace !== undefined && fault.workspace !== workspace) return false;
    if (fault.principal !== undefined && fault.principal !== principal) return false;
    this.matched += 1;
    if (this.matched < fault.nth) return false;
    if (fault.times !== "always" && this.matched >= fault.nth + fault.times) return false;
    this.hits += 1;
    return true;
  }
}

/** Which fault a request meets. */
export class Faults {
  readonly #scheduled: Scheduled[] = [];
  readonly #hooks: { hook: Hook; pattern: RegExp; left: number }[] = [];

  constructor(faults: readonly Fault[]) {
    for (const fault of faults) this.#scheduled.push(new Scheduled(fault));
  }

  add(input: FaultInput): ScheduledFault {
    const scheduled = new Scheduled(parseStrictly(FaultSchema, input, "fault"));
    this.#scheduled.push(scheduled);
    return scheduled;
  }

  hook(hook: Hook): void {
    this.#hooks.push({ hook, pattern: wildcard(hook.path), left: hook.nth ?? 1 });
  }

  /** All faults that this request meets; at most one of each. */
  strike(target: Target): Fault[] {
    return this.#scheduled.filter((scheduled) => scheduled.strikes(target)).map(({ fault }) => fault);
  }

  /** Runs the hooks whose turn it is. */
  async runHooks(target: Target, after: boolean): Promise<void> {
    for (const entry of this.#hooks) {
      const { hook, pattern } = entry;
      const matches =
        (hook.after ?? false) === after &&
        pattern.test(target.path) &&
        (hook.method === undefined || hook.method === target.method) &&
        (hook.workspace === undefined || hook.workspace === target.workspace);
      if (!matches || entry.left === 0) continue;
      entry.left -= 1;
      if (entry.left === 0) await hook.run();
    }
  }
}

/** `*` stands for anything, a slash too; the rest is meant literally. */
export function wildcard(pattern: string): RegExp {
  const literal = (text: string) => text.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${pattern.split("*").map(literal).join(".*")}$`);
}
