/**
 * What one principal may do in Unity Catalog from one workspace (facts: unity-catalog 1.3 to 1.7).
 */
import type { Account, Workspace } from "./account.ts";
import { type ApiError, forbidden } from "./api.ts";
import type { Principal } from "./principals.ts";
import { OUTSIDE_ALL, type SecurableType } from "./unity-privileges.ts";
import type { Securable } from "./unity-state.ts";

/** The privilege that makes an object visible. */
const READING: Readonly<Record<SecurableType, string>> = {
  metastore: "",
  catalog: "USE_CATALOG",
  schema: "USE_SCHEMA",
  table: "SELECT",
  volume: "READ_VOLUME",
  function: "EXECUTE",
  model: "EXECUTE",
  external_location: "",
  storage_credential: "",
};

/** Answers for one principal in one workspace. */
export class Rights {
  readonly #account: Account;
  readonly #workspace: Workspace;
  readonly #names: ReadonlySet<string>;

  constructor({ account, workspace, principal }: { account: Account; workspace: Workspace; principal: Principal }) {
    this.#account = account;
    this.#workspace = workspace;
    this.#names = account.directory.identities(principal);
  }

  /** Is this one of the names under which the principal holds rights? */
  is(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** facts: unity-catalog 1.6: the owner of the metastore is its admin. */
  get isMetastoreAdmin(): boolean {
    return this.is(this.#account.metastore.root.owner);
  }

  owns(securable: Securable): boolean {
    return this.is(securable.owner);
  }

  /** Granted on the object or above it; grants on the metastore do not flow down. */
  granted(privilege: string, securable: Securable): boolean {
    return chainOf(securable).some((one) =>
      [...one.grants.values()].some(
        ({ principal, privileges }) =>
          this.is(principal) &&
          (privileges.has(privilege) || (privileges.has("ALL_PRIVILEGES") && !OUTSIDE_ALL.has(privilege))),
      ),
    );
  }

  /** USE_CATALOG and USE_SCHEMA on everything above. */
  usesChain(securable: Securable): boolean {
    return chainOf(securable)
      .slice(1)
      .every((one) => this.isMetastoreAdmin || this.owns(one) || this.granted(READING[one.type], one));
  }

  /** May see and change grants, owner, bindings: admin, owner of it or of what holds it, MANAGE with USE_* above. */
  manages(securable: Securable): boolean {
    if (this.isMetastoreAdmin || chainOf(securable).some((one) => this.owns(one))) return true;
    if (securable.type === "metastore") return false;
    return this.granted("MANAGE", securable) && this.usesChain(securable);
  }

  /** Shown in lists, and by get. */
  sees(securable: Securable): boolean {
    if (this.manages(securable)) return true;
    if (isStorage(securable)) return [...securable.grants.values()].some(({ principal }) => this.is(principal));
    return this.usesChain(securable) && this.granted(READING[securable.type], securable);
  }

  /** Only its metadata, through BROWSE on the catalog (facts: unity-catalog 1.7). */
  browses(securable: Securable): boolean {
    return this.granted("BROWSE", securable);
  }

  /** facts: unity-catalog 1.5: bindings count only when the catalog is isolated. */
  reaches(securable: Securable): boolean {
    const bound = isStorage(securable) ? securable : catalogOf(securable);
    return bound === undefined || bound.isolation === "OPEN" || bound.bindings.has(this.#workspace.name);
  }

  mayWriteFromHere(securable: Securable): boolean {
    const catalog = catalogOf(securable);
    return (
      catalog === undefined ||
      catalog.isolation === "OPEN" ||
      catalog.bindings.get(this.#workspace.name) === "READ_WRITE"
    );
  }

  /** facts: unity-catalog 1.5: an unbound workspace wins over any grant; owners still see the catalog itself. */
  unreachable(securable: Securable): ApiError | undefined {
    if (this.reaches(securable)) return undefined;
    if ((securable.type === "catalog" || isStorage(securable)) && this.manages(securable)) return undefined;
    return forbidden(`Catalog '${(catalogOf(securable) ?? securable).name}' is not accessible in current workspace`);
  }

  /** The 403 that says which right is missing first (facts: unity-catalog 1.10). */
  missing(securable: Securable): ApiError {
    const first = chainOf(securable)
      .reverse()
      .find((one) => !this.isMetastoreAdmin && !this.owns(one) && !this.granted(READING[one.type], one));
    const { type, fullName } = first ?? securable;
    if (isStorage(securable)) return forbidden(`User does not have privileges on ${type} '${fullName}'.`);
    const noun = `${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    return forbidden(`User does not have ${READING[type].replaceAll("_", " ")} on ${noun} '${fullName}'.`);
  }
}

/** The object and what holds it, innermost first, without the metastore (unless it is the metastore). */
export function chainOf(securable: Securable): Securable[] {
  const chain: Securable[] = [];
  for (let one: Securable | undefined = securable; one !== undefined; one = one.parent) {
    if (one.type !== "metastore" || one === securable) chain.push(one);
  }
  return chain;
}

/** External locations and storage credentials lie beside the catalogs. */
function isStorage({ type }: Securable): boolean {
  return type === "external_location" || type === "storage_credential";
}

function catalogOf(securable: Securable): Securable | undefined {
  return chainOf(securable).find(({ type }) => type === "catalog");
}
