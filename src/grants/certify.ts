/** What a proof hands over: findings, the matrix, and the certificate that says what it rests on. Pure. */
import { type Contract, TIERS, type Tier } from "../contract/model.ts";
import { type Finding, FourTierError, type Where } from "../findings.ts";
import { accessOf, identitiesOf, securableOf } from "./closure.ts";
import type { Cell } from "./matrix.ts";
import type { Estate } from "./model.ts";
import type { Refusal } from "./notes.ts";
import type { AccessPath } from "./paths.ts";
import type { Counts } from "./read.ts";
import { inWords } from "./witness.ts";

/** Who asks. */
interface Asker {
  readonly displayName: string;
  /** Application id. */
  readonly userName: string;
}

/** Which of the two readers was used. */
export interface ReaderUsed {
  readonly reader?: "rest" | "sql" | undefined;
}

/** What a proof rests on: who asked, with what authority, when, and what was seen. */
export interface Certificate {
  /** `tier`: this catalog as its own principal sees it; `estate`: with everything that reaches it, as an auditor sees it. */
  readonly kind: "tier" | "estate";
  readonly reader: "rest" | "sql";
  readonly tier: string;
  readonly catalog: string;
  /** Who asked. */
  readonly principal: { readonly name: string; readonly applicationId: string };
  /** Why the listings are complete: `owner of catalog prod`; or that they may not be. */
  readonly authority: string;
  readonly workspaceId: string | undefined;
  /** ISO time. */
  readonly at: string;
  /** What was listed and counted. */
  readonly seen: Readonly<Counts> & {
    readonly groups: number;
    readonly servicePrincipals: number;
    /** Of an estate proof only. */
    readonly users?: number;
    readonly locations?: number;
    readonly credentials?: number;
    readonly policies?: number;
  };
  /** What is inside the scope and was not shown. */
  readonly refused: readonly Refusal[];
  /** What this proof says nothing about, in sentences. */
  readonly outside: readonly string[];
}

/** What the whole matrix is about, seen here or not. */
export interface MatrixFrame {
  readonly catalogs: readonly { readonly tier: string; readonly catalog: string }[];
  /** Names, in the order of the tiers. */
  readonly principals: readonly string[];
}

/** The matrix that a contract asks for; a sandbox is a row of its own only in its own proof. */
export function frameOf(contract: Contract, tier: Tier): MatrixFrame {
  const deployed = TIERS.filter((name) => name !== "sandbox");
  const { sandbox } = contract.tiers;
  return {
    catalogs: [
      ...(tier.name === "sandbox" ? [{ tier: tier.name, catalog: tier.catalog }] : []),
      ...deployed.map((name) => ({ tier: name, catalog: contract.tiers[name].catalog })),
    ],
    principals: [
      ...(sandbox.hasPrincipal ? [sandbox.servicePrincipal] : []),
      ...deployed.map((name) => contract.tiers[name].servicePrincipal),
    ],
  };
}

/** A proof. `findings` empty of errors and unknowns is a pass. */
export interface Proof {
  readonly findings: readonly Finding[];
  readonly certificate: Certificate;
  /** The catalog's row of the matrix, and what its principal is seen to hold on other tiers' catalogs. */
  readonly cells: readonly Cell[];
  /** Every row and column that the whole matrix has: catalogs by tier, and the tiers' principals. */
  readonly frame: MatrixFrame;
  /** Who can read, write and control the catalog, by whatever path; those who can do most first. */
  readonly paths: readonly AccessPath[];
}

/** What no proof of grants speaks of (facts: unity-catalog 1.9, 1.11). */
export const OUTSIDE_ALWAYS: readonly string[] = [
  "Workspace and account admins.",
  "Who may run as a service principal or manage it (its roles user and manager), its secrets, and its federation policies: whoever has one of these acts as that principal.",
];

/** Why everything was shown, or why it may not have been. */
export interface Authority {
  readonly complete: boolean;
  readonly text: string;
  /** Owner of the catalog or of the metastore, who alone is shown everybody's rows in SQL (facts: unity-catalog 2). */
  readonly owns: boolean;
}

/** What shows all grants and all names, without reading data. */
const AUDITS = ["USE_CATALOG", "USE_SCHEMA", "BROWSE"];
const AUDITOR: readonly string[] = [...AUDITS, "MANAGE"];
/** The same without BROWSE: what one may use is listed (facts: unity-catalog 1.4). */
const USES = ["USE_CATALOG", "USE_SCHEMA", "SELECT", "EXECUTE", "READ_VOLUME"];

/** With what authority somebody asked (facts: unity-catalog 1.4, 1.6). */
export function authorityOf(estate: Estate, catalog: string, me: Asker): Authority {
  const securable = securableOf(estate, "catalog", catalog);
  if (securable === undefined) return { complete: false, owns: false, text: `none seen on catalog ${catalog}` };
  const who = identitiesOf(estate, me.userName);
  const works = accessOf(estate, who, securable).filter((access) => access.state === "works");
  const held = new Map(works.map((access) => [access.privilege, access.path]));
  const manage = held.get("MANAGE");
  if (manage?.how === "owner") {
    const by = manage.groups.length === 0 ? "" : `, by the group ${inWords(manage.groups)}`;
    return { complete: true, owns: true, text: `owner of catalog ${catalog}${by}` };
  }
  if (manage?.how === "metastore-owner") return { complete: true, owns: true, text: "metastore admin" };
  const holds = (needs: readonly string[]): boolean => manage !== undefined && needs.every((need) => held.has(need));
  if (holds(USES)) return { complete: true, owns: false, text: `MANAGE and ALL PRIVILEGES on catalog ${catalog}` };
  if (holds(AUDITS)) return { complete: true, owns: false, text: `MANAGE, ${inWords(AUDITS)} on catalog ${catalog}` };
  return { complete: false, owns: false, text: `not the owner of catalog ${catalog}: listings may be short` };
}

/** A proof's certificate: who asked about which tier, with what authority and when, and what that showed. */
export function certificateOf(
  { kind, tier, me, authority, now }: ProofOf,
  { reader, ...shown }: Pick<Certificate, "reader" | "seen" | "refused" | "outside">,
): Certificate {
  return {
    kind,
    reader,
    tier: tier.name,
    catalog: tier.catalog,
    principal: { name: me.displayName, applicationId: me.userName },
    authority: authority.text,
    workspaceId: me.workspaceId,
    at: now.toISOString(),
    ...shown,
  };
}

interface ProofOf {
  readonly kind: Certificate["kind"];
  readonly tier: Tier;
  readonly me: Asker & { readonly workspaceId: string | undefined };
  readonly authority: Authority;
  readonly now: Date;
}

const at = (catalog: string): Where => ({ kind: "securable", type: "catalog", name: catalog });

/** The error for a tier whose principal the contract does not name: nobody can say then who may do what there. */
export function noPrincipal(tier: Tier): FourTierError {
  return new FourTierError({
    id: "grants/no-principal",
    severity: "error",
    message: `The contract names no service principal for the tier ${tier.name}.`,
    remedy: `Name it: tiers.${tier.name}.service_principal.`,
  });
}

/**
 * Whoever audits is granted what shows all, and never owns: an owner that is not the tier's principal is a finding of
 * its own.
 */
function rightsFor(kind: Certificate["kind"], { catalog, servicePrincipal }: Tier, me: Asker): string {
  if (kind === "tier") return `ALTER CATALOG ${catalog} OWNER TO \`${servicePrincipal}\` (its application id)`;
  return `GRANT ${AUDITOR.map((privilege) => privilege.replace("_", " ")).join(", ")} ON CATALOG ${catalog} TO \`${me.userName}\`, and name it with these in the contract`;
}

/** The catalog is not there, or not for us. */
export function catalogUnseen(kind: Certificate["kind"], tier: Tier, me: Asker, refused: boolean): Finding {
  return {
    id: refused ? "grants/catalog-unseen" : "grants/catalog-missing",
    severity: refused ? "unknown" : "error",
    where: at(tier.catalog),
    message: refused
      ? `Catalog ${tier.catalog} is not shown to ${me.displayName}.`
      : `Catalog ${tier.catalog} does not exist, or is not bound to this workspace.`,
    remedy: refused
      ? `${rightsFor(kind, tier, me)}; and bind the catalog to ${tier.name}'s workspace.`
      : `Create it as ${tier.servicePrincipal}, or bind it to ${tier.name}'s workspace.`,
  };
}

/** Who asked may have been shown too little. */
export function authorityLacking(kind: Certificate["kind"], tier: Tier, me: Asker): Finding {
  return {
    id: "grants/authority",
    severity: "unknown",
    where: at(tier.catalog),
    message: `${me.displayName} has not the rights on catalog ${tier.catalog} that show all of it, so Unity Catalog shows it only part of what is there.`,
    why: "A caller with few rights sees a small estate, and everything in it looks fine.",
    remedy: `${rightsFor(kind, tier, me)}.`,
  };
}

/** Refusals, those that the same right would end together. */
export function unseenFindings(catalog: string, me: Asker, refused: readonly Refusal[]): Finding[] {
  const byNeed = new Map<string, Refusal[]>();
  for (const refusal of refused) byNeed.set(refusal.needs, [...(byNeed.get(refusal.needs) ?? []), refusal]);
  return [...byNeed].map(([needs, refusals]) => ({
    id: "grants/unseen",
    severity: "unknown",
    where: at(catalog),
    message: `Not shown: ${inWords(
      refusals.map((refusal) => refusal.what),
      5,
    )} (${refusals[0]?.answer ?? ""}).`,
    remedy: `Give ${me.displayName} ${needs}.`,
  }));
}
