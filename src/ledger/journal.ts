/**
 * What keeps many writes at the same time honest without making each of them wait: the lock is asked for beside them,
 * and what they made is written down behind them.
 */

/** Writes that may begin while one answer about the lock is on its way. */
const AHEAD = 16;

/**
 * A check for writes that run side by side. The first waits for its answer. After that a check is always on its way
 * while writes begin, and a write waits only if more than 16 have begun since that check was sent. Once a check has
 * failed, nothing begins any more. Why that is enough: docs/adr/0402-the-lock.md.
 */
export function alongside(check: () => Promise<void>): () => Promise<void> {
  let asking: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let passed = false;
  let begun = 0;
  const ask = async (): Promise<void> => {
    try {
      await check();
      passed = true;
    } catch (error) {
      failure ??= { error };
    }
    asking = undefined;
    begun = 0;
  };
  return async () => {
    asking ??= ask();
    begun += 1;
    if (!passed || begun > AHEAD) await asking;
    if (failure !== undefined) throw failure.error;
  };
}

/** Writes down what has newly come about, behind those that make it. */
interface Journal {
  /** Something is new. Throws if an earlier writing failed: then nothing more may be made. */
  note(): void;
  /** Ends when everything that was noted is written; throws if it could not be. */
  written(): Promise<void>;
}

/** `write` writes everything that is known when it begins; it is called after every `every` notes, never twice at once. */
export function journal(write: () => Promise<void>, every: number): Journal {
  let open = 0;
  let writing: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const writeOn = async (least: number): Promise<void> => {
    while (open >= least && failure === undefined) {
      open = 0;
      try {
        await write();
      } catch (error) {
        failure = { error };
      }
    }
    writing = undefined;
  };
  return {
    note() {
      if (failure !== undefined) throw failure.error;
      open += 1;
      if (open >= every) writing ??= writeOn(every);
    },
    async written() {
      await writing;
      await writeOn(1);
      if (failure !== undefined) throw failure.error;
    },
  };
}
