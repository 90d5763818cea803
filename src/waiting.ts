/** What whoever waits for something is handed, so that tests wait for nothing and a cancelled run does not wait on. */
export interface Waiting {
  readonly log: { info(message: string): void };
  /** Aborted when the run is cancelled. */
  readonly signal?: AbortSignal | undefined;
  readonly now: () => Date;
  /** Waits; ends early when the signal aborts. */
  readonly pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}
