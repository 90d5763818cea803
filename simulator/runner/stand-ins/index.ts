/** Stand-ins for the few actions of others that our workflows use; any other is refused by name. */
import type { Run, World } from "../../github/world.ts";
import { downloadArtifact, uploadArtifact } from "./artifacts.ts";
import { checkout } from "./checkout.ts";

interface StandInContext {
  readonly world: World;
  readonly run: Run;
  readonly apiUrl: string;
  readonly workspace: string;
  readonly token: string;
  readonly input: (name: string) => string;
  readonly log: (line: string) => void;
}

interface StandInResult {
  readonly outputs: Readonly<Record<string, string>>;
  /** Lines for the service's warnings. */
  readonly warnings?: readonly string[];
  readonly post?: () => Promise<void>;
}

/** What stands in for one action. */
export interface StandIn {
  /** The inputs that are modelled, with their defaults; any other input is refused by name. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly run: (context: StandInContext) => Promise<StandInResult>;
}

const STAND_INS: Readonly<Record<string, StandIn>> = {
  "actions/checkout": checkout,
  "actions/upload-artifact": uploadArtifact,
  "actions/download-artifact": downloadArtifact,
};

/** Whether an action has a stand-in; `repository` is `owner/name`. */
export function isStandIn(repository: string): boolean {
  return standIn(repository) !== undefined;
}

/** The stand-in for an action; undefined if it has none. */
export function standIn(repository: string): StandIn | undefined {
  return STAND_INS[repository.toLowerCase()];
}
