/** Bounded concurrency: enough to be quick, little enough not to be throttled. */

/**
 * Maps items with at most `limit` calls in flight, results in the order of the items. The first failure is thrown after
 * the calls already started have ended; no further ones are started.
 */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  limit: number,
  fn: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError("the limit is a whole number from 1");
  const results: Result[] = [];
  const queue = items.entries();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return;
      try {
        results[index] = await fn(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, work));
  for (const worker of workers) if (worker.status === "rejected") throw worker.reason;
  return results;
}

/** Runs what it is given with at most `limit` at once; the rest waits in the order it came. */
export function bounded(limit: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // Whoever waits gets the place itself, so that nobody who comes later takes it.
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/**
 * Awaits what was begun at the same time. The first failure, in the order given, is thrown after all have ended, so that
 * nothing goes on behind the back of whoever handles it.
 */
export async function together<const Begun extends readonly unknown[]>(
  begun: Begun,
): Promise<{ -readonly [Index in keyof Begun]: Awaited<Begun[Index]> }> {
  await Promise.allSettled(begun);
  return Promise.all(begun);
}
