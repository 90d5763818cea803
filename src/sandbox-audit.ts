/**
 * All sandboxes of a project, each proved like an estate: its developer's alone, only gold written, nothing copied, whoever
 * has access by whatever path. No gate asks for it, so it runs on a schedule. Which sandboxes there are is told by the mark
 * of their catalogs; one that the contract lets expect and that is not shown is unknown. It writes nothing.
 */
import type { Contract } from "./contract/model.ts";
import { resolveTier } from "./contract/tiers.ts";
import { type Identity, whoAmI } from "./databricks/identity.ts";
import { type Catalog, getCatalog, listCatalogs } from "./databricks/unity.ts";
import { sparing, type Workspace } from "./databricks/workspace.ts";
import { type EstateProof, estateProof } from "./estate.ts";
import { type Finding, FourTierError } from "./findings.ts";
import { readWholeDirectory } from "./grants/directory.ts";
import { keyOf } from "./grants/model.ts";
import { Notes, shown } from "./grants/notes.ts";
import { type EstateOptions, namedPrincipals } from "./grants/read-estate.ts";
import { READS } from "./grants/read-rest.ts";
import { mapBounded } from "./http/pool.ts";
import { isSandboxName, readMark } from "./sandboxes/mark.ts";

/** The proofs of all sandboxes that were found, in the order of their names. */
export interface SandboxesProof {
  readonly proofs: readonly EstateProof[];
  readonly findings: readonly Finding[];
}

/** Proves every sandbox of the contract's project. Throws FourTierError where the service fails. */
export async function sandboxesProof(
  connection: Workspace,
  contract: Contract,
  now: Date,
  options: EstateOptions,
): Promise<SandboxesProof> {
  const workspace = sparing(connection, READS);
  const me = options.identity ?? (await whoAmI(workspace));
  const marked: { readonly catalog: Catalog; readonly login: string }[] = [];
  const findings: Finding[] = [];
  for await (const catalog of listCatalogs(workspace, { includeBrowse: true })) {
    if (!isSandboxName(catalog.name)) continue;
    const { project, developer } = readMark(catalog.properties);
    if (developer === undefined || project === undefined) findings.push(unmarked(catalog.name));
    else if (project === contract.project) marked.push({ catalog, login: developer });
  }
  findings.push(...(await hiddenOf(workspace, contract, marked, me)));
  // Everybody is the same for all of them.
  const notes = new Notes();
  const directory = await readWholeDirectory(workspace, notes, namedPrincipals(contract), options.progress);
  const proofs: EstateProof[] = [];
  for (const { catalog, login } of marked.sort((a, b) => (a.catalog.name < b.catalog.name ? -1 : 1))) {
    const tier = tierOf(contract, login);
    if (tier === undefined || keyOf(tier.catalog) !== keyOf(catalog.name)) {
      findings.push(misnamed(catalog.name, login));
      continue;
    }
    const seen = { directory, refused: notes.refused };
    proofs.push(await estateProof(workspace, contract, tier, now, { ...options, identity: me, seen }));
  }
  return { proofs, findings: once([...findings, ...proofs.flatMap((proof) => proof.findings)]) };
}

function tierOf(contract: Contract, login: string): ReturnType<typeof resolveTier> | undefined {
  try {
    return resolveTier(contract, "sandbox", { developer: login });
  } catch (error) {
    if (error instanceof FourTierError) return undefined;
    throw error;
  }
}

/** The sandboxes of the contract's developers that are there and were not listed: one that nobody made is not there. */
async function hiddenOf(
  workspace: Workspace,
  contract: Contract,
  marked: readonly { readonly login: string }[],
  me: Identity,
): Promise<Finding[]> {
  const found = new Set(marked.map(({ login }) => keyOf(login)));
  const logins = [...contract.users.keys()].filter((login) => !found.has(keyOf(login)));
  const hidden = await mapBounded(logins, READS, async (login): Promise<readonly string[]> => {
    const name = tierOf(contract, login)?.catalog;
    if (name === undefined) return [];
    return shown(async () => {
      await getCatalog(workspace, name);
      return [];
    }, [name]);
  });
  return hidden.flat().map((name) => ({
    id: "grants/sandbox-unseen",
    severity: "unknown",
    where: { kind: "securable", type: "catalog", name },
    message: `The sandbox ${name} is not shown to ${me.displayName}.`,
    remedy: `Run this audit as ${contract.tiers.dev.servicePrincipal}, which should own it, or as a metastore admin.`,
  }));
}

function unmarked(name: string): Finding {
  return {
    id: "grants/sandbox-unmarked",
    severity: "warning",
    where: { kind: "securable", type: "catalog", name },
    message: `The catalog ${name} is called like a sandbox and carries no mark of one, so it was not looked at.`,
    remedy: "If it is a sandbox of this project, provision it; else give it another name.",
  };
}

function misnamed(name: string, login: string): Finding {
  return {
    id: "grants/sandbox-misnamed",
    severity: "error",
    where: { kind: "securable", type: "catalog", name },
    message: `The mark of the catalog ${name} names the developer ${login}, whose sandbox it is not.`,
    why: "Whose it is decides who may have rights in it, and a mark can be copied.",
    remedy: "Find out who made it; a sandbox is provisioned by dev's principal.",
  };
}

/** What the contract itself is told is the same in each proof. */
function once(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}
