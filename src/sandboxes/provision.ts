/** One sandbox made or repaired: observe, plan, apply, look again. Two runs at once meet in the same sandbox. */
import { GOLD } from "../contract/defaults.ts";
import { createCatalogObject } from "../databricks/catalog-objects.ts";
import { ApiError, isQuota, LostAnswer } from "../databricks/errors.ts";
import { getBindings, getCatalog, getSchema } from "../databricks/unity.ts";
import { getGrants } from "../databricks/unity-grants.ts";
import { changeBindings, changeGrants, createCatalog, isTaken, updateCatalog } from "../databricks/unity-write.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import { together } from "../http/pool.ts";
import { sandboxComment } from "./mark.ts";
import { planSandbox, type Seen, type Step, type Wanted } from "./plan.ts";

/** What became of one sandbox. */
export interface Provisioned {
  readonly outcome:
    | "created"
    | "mended"
    | "unchanged"
    | "refused"
    /** Its removal has begun. */
    | "left"
    /** Something was written, and then something failed. */
    | "unfinished";
  /** What was written, in order. */
  readonly done: readonly Step["do"][];
  readonly findings: readonly Finding[];
}

/** Milliseconds between looks at what was written: grants are shown a while later (facts: unity-catalog 1.2). */
const LOOKS = [0, 1_000, 4_000, 10_000];

/**
 * Makes a sandbox what it shall be. A refusal, what the service refuses, and what a later look still finds missing are
 * findings, beside what was written until then.
 */
export async function provisionOne(
  workspace: Workspace,
  wanted: Wanted,
  pause: (milliseconds: number) => Promise<void>,
): Promise<Provisioned> {
  const done: Step["do"][] = [];
  try {
    return await madeAsWanted(workspace, wanted, pause, done);
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    return { outcome: done.length === 0 ? "refused" : "unfinished", done, findings: error.findings };
  }
}

async function madeAsWanted(
  workspace: Workspace,
  wanted: Wanted,
  pause: (milliseconds: number) => Promise<void>,
  done: Step["do"][],
): Promise<Provisioned> {
  let isTakenName = false;
  let findings: readonly Finding[] = [];
  let open: readonly Step[] = [];
  for (const wait of LOOKS) {
    if (wait > 0) await pause(wait);
    const seen = await observe(workspace, wanted);
    // A name that is used by what is not shown: the owner hides it.
    const plan = planSandbox(wanted, seen === "nothing" && isTakenName && wait === LOOKS.at(-1) ? "hidden" : seen);
    findings = plan.findings;
    open = plan.steps;
    if (findings.some(isFailure)) return { outcome: "refused", done, findings };
    if (plan.left) return { outcome: "left", done, findings };
    if (open.length === 0) return { outcome: outcomeOf(done), done, findings };
    // Steps are written once; a step that is still due after that is one that has not arrived.
    for (const step of done.length === 0 ? open : open.filter((each) => !done.includes(each.do))) {
      const made = await applyStep(workspace, wanted, step);
      if (made === "yes") done.push(step.do);
      isTakenName ||= step.do === "create-catalog" && made === "taken";
      // Somebody else was quicker, or the answer was lost: what is there is looked at before anything is done to it.
      if (made !== "yes") break;
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

/** "taken": another has made it. "lost": nobody knows, the next look says. */
type Made = "yes" | "taken" | "lost";

async function applyStep(workspace: Workspace, wanted: Wanted, step: Step): Promise<Made> {
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
      return "yes";
    case "revive":
      await updateCatalog(workspace, catalog, { properties: step.properties, comment: step.comment });
      return "yes";
    case "isolate":
      await updateCatalog(workspace, catalog, { isolationMode: "ISOLATED" });
      return "yes";
    case "bind":
      await changeBindings(workspace, catalog, step);
      return "yes";
    case "create-gold":
      return unlessTaken(
        createCatalogObject(workspace, "schemas", {
          catalog_name: catalog,
          name: GOLD,
          comment: `What ${login} writes; bronze and silver are read from dev.`,
        }),
      );
    case "grant":
      await changeGrants(workspace, step.on.type, step.on.name, step.changes).catch((error: unknown) => {
        throw unknownPrincipal(error, wanted);
      });
      return "yes";
  }
}

async function unlessTaken(made: Promise<unknown>): Promise<Made> {
  try {
    await made;
    return "yes";
  } catch (error) {
    if (isTaken(error)) return "taken";
    if (error instanceof LostAnswer) return "lost";
    throw error;
  }
}

/** Who may not list users and principals learns from the grant that one is not there; the contract is where it stands. */
function unknownPrincipal(error: unknown, { catalog, login, user, principal, ours }: Wanted): unknown {
  if (
    !(error instanceof ApiError) ||
    !/PRINCIPAL_DOES_NOT_EXIST|Could not find principal/.test(`${error.code} ${error.detail}`)
  ) {
    return error;
  }
  const ofSandbox = principal !== undefined && error.detail.toLowerCase().includes(principal.toLowerCase());
  const [key, name] = ofSandbox ? ["tiers.sandbox.client_id", principal] : [`users.${login}`, user];
  return new FourTierError(
    {
      id: ofSandbox ? "sandbox/principal" : "sandbox/no-such-user",
      severity: "error",
      where: { kind: "securable", type: "catalog", name: catalog },
      message: `${catalog} is there, and what belongs in it could not be granted: ${error.detail}`,
      remedy: `Correct \`${key}\` in the contract (${name}), or have it added to the workspace of ${ours.contract.tiers.dev.servicePrincipal}; then provision again: what is there is not made twice.`,
    },
    { cause: error },
  );
}

/** What the service refuses when a catalog is made, with what to do about it. */
function explained(error: unknown, { catalog, ours }: Wanted): unknown {
  if (!(error instanceof ApiError) || isTaken(error)) return error;
  const text = `${error.code} ${error.detail}`;
  const advice = ADVICE.find(([pattern, id]) => pattern.test(text) || (id === "sandbox/quota" && isQuota(error)));
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
    /RESOURCE_EXHAUSTED/,
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
