/** Every kind of resource that is deployed, and the order in which they are. */
import { RESOURCE_KINDS, type ResourceKind } from "../../contract/model.ts";
import { type Finding, FourTierError } from "../../findings.ts";
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

/** The kind of a name; throws FourTierError `release/unknown-kind` for one that only a newer suite deploys. */
export function kindOf(name: string): Kind {
  const found = RESOURCE_KINDS.find((kind) => kind === name);
  if (found === undefined) throw new FourTierError(unknownKind(name));
  return KINDS[found];
}

function unknownKind(name: string): Finding {
  return {
    id: "release/unknown-kind",
    severity: "error",
    message: `The tier's ledger names a resource of the kind ${name}, which this version of the suite does not deploy.`,
    why: "A newer version of the suite has written it.",
    remedy: "Use that version here, too: every workflow that writes to the tier pins the same commit of the suite.",
  };
}

/** Where a kind stands in the order of creation. */
export function rankOf(name: string): number {
  return RESOURCE_KINDS.findIndex((kind) => kind === name);
}
