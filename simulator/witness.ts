/**
 * What a simulator was asked, and which open question decided its answer: told to whoever listens in this process (a
 * channel of node:diagnostics_channel), which is how the tests measure what comes where. Unheard, it costs nothing.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";

/** The name of the channel on which sightings are told. */
export const SIGHTINGS = "four-tier.simulator";

/** What was asked, or which question decided. */
export type Sighting =
  /** `databricks GET /api/…`, `github GET /repos/…`, or what of a workflow the runner carried out. */
  | { readonly place: string }
  /** A question of a scenario, such as `databricks.behaviours.expires_in`, how it stood, and who looked. */
  | { readonly question: string; readonly answer: string; readonly place: string };

/** The route that is being answered, if one is. */
export const answering = new AsyncLocalStorage<string>();

const sightings = channel(SIGHTINGS);

/** Tells it, if somebody listens. */
export function tell(sighting: Sighting): void {
  if (sightings.hasSubscribers) sightings.publish(sighting);
}
