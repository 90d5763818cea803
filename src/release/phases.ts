/** The parts of a promotion or a rollback: each is named in the log when it begins, and measured. */

/** How long one part took. */
export interface Phase {
  readonly name: string;
  readonly milliseconds: number;
}

/** Runs one part of the work under its name. */
export type RunPhase = <T>(name: string, body: () => Promise<T>) => Promise<T>;

/** Runs parts, and keeps in `phases` how long each took, failed ones as well. */
export function measured({ log, now }: { readonly log: { info(message: string): void }; readonly now: () => Date }): {
  readonly phases: readonly Phase[];
  readonly phase: RunPhase;
} {
  const phases: Phase[] = [];
  const phase: RunPhase = async (name, body) => {
    const started = now().getTime();
    log.info(`── ${name}`);
    try {
      return await body();
    } finally {
      phases.push({ name, milliseconds: now().getTime() - started });
    }
  };
  return { phases, phase };
}
