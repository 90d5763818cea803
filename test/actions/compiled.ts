/**
 * Node keeps compiled code, and types once stripped, in one folder for all actions of a run of the tests: compiling them
 * again for each process took longer than most actions. Nothing else of a process is kept there.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";

/** To be set for an action's process; without it, main.js keeps its code in RUNNER_TEMP, as on a real runner. */
export const COMPILED: Readonly<Record<string, string>> = { NODE_COMPILE_CACHE: join(tmpdir(), "four-tier-compiled") };
