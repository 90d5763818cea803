/** Whether a verified release has shown what the gate above asks of it: verifications, and time. Pure. */

export interface Readiness {
  readonly ready: boolean;
  /** What passed since the last failure, this one included. */
  readonly verifications: number;
  readonly wanted: number;
  /** When it has stood long enough. */
  readonly soaked: Date;
}

/**
 * `earlier` are the times of what passed before since the last failure, oldest first, ISO; the one that passed just now
 * comes on top: its own run has not ended, so nobody else counts it yet.
 */
export function readinessOf(
  earlier: readonly string[],
  asked: { readonly verifications: number; readonly soakMs: number },
  now: Date,
): Readiness {
  const first = earlier.map((at) => Date.parse(at)).find((at) => !Number.isNaN(at)) ?? now.getTime();
  const soaked = new Date(first + asked.soakMs);
  const verifications = earlier.length + 1;
  return {
    ready: verifications >= asked.verifications && soaked.getTime() <= now.getTime(),
    verifications,
    wanted: asked.verifications,
    soaked,
  };
}
