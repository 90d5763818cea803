/** Whether what lives in a tier is its release, whole: what was found else, as findings. */
import type { Tier } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import type { Ledger } from "../ledger/model.ts";
import { goneWheels, keptWheels } from "./again.ts";
import { type Candidate, contentsOf } from "./candidate.ts";
import { changed } from "./change.ts";
import { fieldText } from "./fields.ts";
import { glance } from "./glance.ts";
import { type Look, lookAt } from "./look.ts";
import { owedNow } from "./loops.ts";
import type { Place } from "./place.ts";

/** How a tier that is to be verified is looked at. */
interface LookRequest {
  readonly workspace: Workspace;
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  /** Compare live state whole and every byte of the release's folders, not only what lists show. */
  readonly deep: boolean;
  readonly now: () => Date;
}

/**
 * The tier beside the release that its ledger says it has: what lists show, or everything. Throws FourTierError for a
 * wheel that is gone.
 */
export async function lookFor(request: LookRequest, place: Place, ledger: Ledger, candidate: Candidate): Promise<Look> {
  const { workspace, root, deep } = request;
  if (!deep) {
    const names = candidate.artifacts.map((artifact) => ({ ...artifact, bytes: new Uint8Array() }));
    const contents = contentsOf(candidate, root, names, place.folder);
    const standing = await glance(workspace, ledger, candidate.desired, contents, place);
    if (standing !== undefined) return { standing, folders: [], compared: "lists", at: request.now() };
  }
  const wheels = await keptWheels(workspace, place, candidate);
  const [gone] = goneWheels(candidate, wheels);
  if (gone !== undefined) {
    throw new FourTierError(unlike(place.tier.name, gone.component, `the wheel ${gone.name} is missing`));
  }
  const contents = contentsOf(candidate, root, wheels, place.folder);
  return lookAt({ ...request, place, candidate, contents }, ledger, "all");
}

/** What differs from the release, or may run the one before; an empty list means that what lives is what was released. */
export function notAsReleased(tier: Tier, ledger: Ledger, candidate: Candidate, look: Look): Finding[] {
  const owed = owedNow(tier, ledger, candidate.desired, look.standing.observation.live);
  return [...notWhole(look, tier.name), ...owed.map(({ key }) => mayRunOld(tier.name, key))];
}

function notWhole({ standing: { plan, drift }, folders }: Look, tier: string): Finding[] {
  const changes = changed(plan);
  return [
    ...drift.entries.map(({ key, what, fields }) =>
      unlike(tier, key, what === "missing" ? "it is gone" : `changed by hand: ${fields.map(fieldText).join("; ")}`),
    ),
    ...changes.map(({ key, fields }) =>
      unlike(tier, key, `its commit says otherwise: ${fields.map(fieldText).join("; ")}`),
    ),
    ...folders
      .filter(({ complete }) => !complete)
      .map(({ content }) => unlike(tier, content.component, `files of it are missing in ${content.folder}`)),
  ];
}

function unlike(tier: string, key: string, what: string): Finding {
  return {
    id: "verify/not-as-released",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} in ${tier} is not as it was released: ${what}.`,
    why: "What would be verified is not the release, so nothing was started.",
    remedy: "Promote the release again (with accept-drift where the gate asks for it), then verify.",
  };
}

function mayRunOld(tier: string, key: string): Finding {
  return {
    id: "verify/not-rolled-forward",
    severity: "error",
    where: { kind: "resource", tier, key },
    message: `${key} in ${tier} ran all the time, and was not stopped since its release was applied.`,
    why: "It may still run the release before, so what would be verified is not the release; nothing was started.",
    remedy: "Promote the same commit again: that restarts it, or ends it. After a rollback, run the rollback again.",
  };
}
