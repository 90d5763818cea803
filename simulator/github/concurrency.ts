/**
 * Concurrency groups: one runs, one waits, a newer one takes the waiting one's place; `queue: max` keeps up to 100
 * in order (facts: github 2). Groups are the repository's, and their names do not mind case.
 */

/** Who wants to enter which group. */
export interface ConcurrencyRequest {
  readonly group: string;
  readonly cancelInProgress: boolean;
  readonly queue: "single" | "max";
  /** Called when a newer request pushes this one out, waiting or running. */
  readonly cancel: (why: string) => void;
}

interface Entry {
  readonly request: ConcurrencyRequest;
  readonly enter: (release: (() => void) | undefined) => void;
}

interface Group {
  running: Entry | undefined;
  waiting: Entry[];
}

const QUEUE_LIMIT = 100;

/** The groups of one repository. */
export class ConcurrencyGroups {
  readonly #groups = new Map<string, Group>();

  /** Waits for the group; gives the function that leaves it, or undefined if a newer request took the place. */
  enter(request: ConcurrencyRequest): Promise<(() => void) | undefined> {
    const key = request.group.toLowerCase();
    const group = this.#groups.get(key) ?? { running: undefined, waiting: [] };
    this.#groups.set(key, group);
    return new Promise((resolve) => {
      const entry: Entry = { request, enter: resolve };
      const why = `Canceling since a higher priority waiting request for '${request.group}' exists`;
      const keeps = request.queue === "max" ? QUEUE_LIMIT : 1;
      group.waiting.push(entry);
      while (group.running !== undefined && group.waiting.length > keeps) {
        const pushed = request.queue === "max" ? group.waiting.pop() : group.waiting.shift();
        pushed?.request.cancel(why);
        pushed?.enter(undefined);
      }
      if (request.cancelInProgress) group.running?.request.cancel(why);
      this.#advance(key, group);
    });
  }

  /** How many wait for a group, and whether one runs. */
  state(name: string): { running: boolean; waiting: number } {
    const group = this.#groups.get(name.toLowerCase());
    return { running: group?.running !== undefined, waiting: group?.waiting.length ?? 0 };
  }

  /** Takes a waiting request out, as when its run is cancelled. */
  withdraw(request: ConcurrencyRequest): void {
    const group = this.#groups.get(request.group.toLowerCase());
    const index = group?.waiting.findIndex((entry) => entry.request === request) ?? -1;
    if (group === undefined || index < 0) return;
    const [entry] = group.waiting.splice(index, 1);
    entry?.enter(undefined);
  }

  #advance(key: string, group: Group): void {
    if (group.running !== undefined) return;
    const next = group.waiting.shift();
    if (next === undefined) {
      this.#groups.delete(key);
      return;
    }
    group.running = next;
    next.enter(() => {
      if (group.running !== next) return;
      group.running = undefined;
      this.#advance(key, group);
    });
  }
}
