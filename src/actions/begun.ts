/**
 * Whether a run has asked anybody to change anything: a run that stops and only looked until then has changed nothing, and
 * that is the first thing that whoever finds it stopped wants to know.
 */
import type { RunContext } from "../environment.ts";

const begun = new WeakSet<RunContext>();

/** For the connections of a run: called before each request that may change something. */
export function beginning(run: RunContext): { readonly onWrite: () => void } {
  return { onWrite: () => begun.add(run) };
}

/** Whether such a request was sent, or about to be. */
export function hasBegun(run: RunContext): boolean {
  return begun.has(run);
}
