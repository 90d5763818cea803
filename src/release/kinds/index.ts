/** Every kind of resource that is deployed, and the order in which they are. */
import { RESOURCE_KINDS, type ResourceKind } from "../../contract/model.ts";
import { registeredModels, schemas, volumes } from "./catalog.ts";
import { experiments } from "./experiments.ts";
import { jobs } from "./jobs.ts";
import type { Kind } from "./kind.ts";
import { pipelines } from "./pipelines.ts";

const KINDS: Readonly<Record<ResourceKind, Kind>> = {
  schemas,
  volumes,
  registered_models: registeredModels,
  experiments,
  pipelines,
  jobs,
};

/** The kind of a name; throws for one that this suite does not deploy (a ledger of a newer suite). */
export function kindOf(name: string): Kind {
  const found = RESOURCE_KINDS.find((kind) => kind === name);
  if (found === undefined) throw new Error(`${name} is not a kind of resource that is deployed here`);
  return KINDS[found];
}

/** Where a kind stands in the order of creation. */
export function rankOf(name: string): number {
  return RESOURCE_KINDS.findIndex((kind) => kind === name);
}
