/** One sandbox made or mended: observe, plan, apply, look again. Two runs at once meet in the same sandbox. */
import { createCatalogObject } from "../databricks/catalog-objects.ts";
import { ApiError, LostAnswer } from "../databricks/errors.ts";
import { getBindings, getCatalog, getGrants, getSchema } from "../databricks/unity.ts";
import { changeBindings, changeGrants, createCatalog, isTaken, updateCatalog } from "../databricks/unity-write.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import { together } from "../http/pool.ts";
import { sandboxComment } from "./mark.ts";
import { GOLD, planSandbox, type Seen, type Step, type Wanted } from "./plan.ts";

/** What became of one sandbox. */
export interface Provisioned {
  readonly outcome: "created" | "mended" | "unchanged" | "refused";
  /** What was written, in order. */
  readonly done: readonly Step["do"][];
  readonly findings: readonly Finding[];
}

/** Milliseconds between looks at what was written: grants are shown a while later (facts: unity-catalog 1.2). */
const LOOKS = [0, 1_000, 4_000, 10_000];

/**
 * Makes a sandbox what it shall be. A refusal, and what a later look still finds missing, are findings; throws what the
 * service refuses.
 */
export async function provisionOne(
  workspace: Workspace,
  wanted: Wanted,
  pause: (milliseconds: number) => Promise<void>,
): Promise<Provisioned> {
  const done: Step["do"][] = [];
  let findings: readonly Finding[] = [];
  let open: readonly Step[] = [];
  for (const wait of LOOKS) {
    if (wait > 0) await pause(wait);
    const plan = planSandbox(wanted, await observe(workspace, wanted));
    findings = plan.findings;
    open = plan.steps;
    if (findings.some(isFailure)) return { outcome: "refused", done, findings };
    if (open.length === 0) return { outcome: outcomeOf(done), done, findings };
    // Steps are written once; a step that is still due after that is one that has not arrived.
    for (const step of done.length === 0 ? open : open.filter((each) => !done.includes(each.do))) {
      const isNew = await applyStep(workspace, wanted, step);
      if (isNew) done.push(step.do);
      // Somebody else was quicker: what he made is looked at before anything is done to it.
      else if (step.do === "create-catalog") break;
    }
  }
  return { outcome: outcomeOf(done), done, findings: [...findings, notArrived(wanted, open)] };
}

async function observe(workspace: Workspace, { catalog: name }: Wanted): Promise<Seen> {
  const catalog = await getCatalog(workspace, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return "hidden" as const;
    throw error;
  });
  if (catalog === undefined) return "nothing";
  if (catalog === "hidden") return "hidden";
  // Who is not its owner may not read its grants; planning refuses before it looks at them.
  const readable = async <T>(read: Promise<readonly T[] | undefined>): Promise<readonly T[] | undefined> =>
    read.catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 403) return [];
      throw error;
    });
  const gold = `${name}.${GOLD}`;
  const [bindings, grants, goldGrants] = await together([
    readable(getBindings(workspace, "catalog", name)),
    readable(getGrants(workspace, "catalog", name)),
    readable(
      getSchema(workspace, gold).then((schema) =>
        schema === undefined ? undefined : getGrants(workspace, "schema", gold),
      ),
    ),
  ]);
  return { catalog, bindings: bindings ?? [], grants: grants ?? [], gold: goldGrants };
}

/** True if it was ours to do; false if another run had done it. */
async function applyStep(workspace: Workspace, wanted: Wanted, step: Step): Promise<boolean> {
  const { catalog, login, ours } = wanted;
  switch (step.do) {
    case "create-catalog":
      return unlessTaken(
        createCatalog(workspace, {
          name: catalog,
          comment: sandboxComment(login, ours.contract.project),
          properties: step.properties,
          storageRoot: wanted.storageRoot,
        }).catch((error: unknown) => {
          throw explained(error, wanted);
        }),
      );
    case "mark":
      await updateCatalog(workspace, catalog, { properties: step.properties });
      return true;
    case "isolate":
      await updateCatalog(workspace, catalog, { isolationMode: "ISOLATED" });
      return true;
    case "bind":
      await changeBindings(workspace, catalog, step);
      return true;
    case "create-gold":
      return unlessTaken(
        createCatalogObject(workspace, "schemas", {
          catalog_name: catalog,
          name: GOLD,
          comment: `What ${login} writes; bronze and silver are read from dev.`,
        }),
      );
    case "grant":
      await changeGrants(workspace, step.on.type, step.on.name, step.changes);
      return true;
  }
}

/** A name that is used, and an answer that was lost: the next look says what is there. */
async function unlessTaken(made: Promise<unknown>): Promise<boolean> {
  try {
    await made;
    return true;
  } catch (error) {
    if (isTaken(error) || error instanceof LostAnswer) return false;
    throw error;
  }
}

/** What the service refuses when a catalog is made, with what to do about it. */
function explained(error: unknown, { catalog, ours }: Wanted): unknown {
  if (!(error instanceof ApiError) || isTaken(error)) return error;
  const text = `${error.code} ${error.detail}`;
  const advice = ADVICE.find(([pattern]) => pattern.test(text));
  if (advice === undefined) return error;
  const [, id, remedy] = advice;
  const principal = ours.contract.tiers.dev.servicePrincipal;
  return new FourTierError(
    {
      id,
      severity: "error",
      where: { kind: "securable", type: "catalog", name: catalog },
      message: `${catalog} was not made: ${error.detail}`,
      remedy: remedy.replaceAll("{principal}", principal),
    },
    { cause: error },
  );
}

const ADVICE: readonly (readonly [RegExp, string, string])[] = [
  [
    /storage root|storage location|MANAGED LOCATION/i,
    "sandbox/storage-root",
    "Give the contract `tiers.sandbox.storage_root`, an address inside an external location on which {principal} has CREATE_MANAGED_STORAGE.",
  ],
  [
    /CREATE MANAGED STORAGE|external location/i,
    "sandbox/storage-root",
    "Grant {principal} CREATE_MANAGED_STORAGE on the external location that holds `tiers.sandbox.storage_root`.",
  ],
  [
    /CREATE CATALOG/i,
    "sandbox/may-not-create",
    "Let a metastore admin grant CREATE_CATALOG on the metastore to {principal}.",
  ],
  [
    /QUOTA|RESOURCE_EXHAUSTED|LIMIT_EXCEEDED|maximum number|limit of \d+/i,
    "sandbox/quota",
    "Remove sandboxes that nobody uses (action-clean-sandboxes with dry-run: false), or have the metastore's limit of catalogs raised; then provision again.",
  ],
];

function outcomeOf(done: readonly Step["do"][]): Provisioned["outcome"] {
  return done.includes("create-catalog") ? "created" : done.length === 0 ? "unchanged" : "mended";
}

function notArrived({ catalog }: Wanted, open: readonly Step[]): Finding {
  return {
    id: "sandbox/not-as-wanted",
    severity: "unknown",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `${catalog} was written, and still lacks: ${open.map((step) => (step.do === "grant" ? `grants on ${step.on.name}` : step.do)).join(", ")}.`,
    remedy: "Provision again: what is there is not made twice.",
  };
}
