/** What GITHUB_TOKEN may do: scopes and levels, and how callers limit the workflows they call. */

const SCOPES = [
  "actions",
  "artifact-metadata",
  "attestations",
  "checks",
  "contents",
  "deployments",
  "discussions",
  "id-token",
  "issues",
  "models",
  "packages",
  "pages",
  "pull-requests",
  "repository-projects",
  "security-events",
  "statuses",
] as const;

/** What a token's permissions are about: a key of `permissions:`. */
export type Scope = (typeof SCOPES)[number];
/** How much of a scope a token may. */
export type Level = "none" | "read" | "write";
/** What a token may, scope by scope. */
export type Permissions = Readonly<Record<Scope, Level>>;

const RANK: Readonly<Record<Level, number>> = { none: 0, read: 1, write: 2 };
const WRITE_ONLY: ReadonlySet<Scope> = new Set(["id-token"]);
const READ_ONLY: ReadonlySet<Scope> = new Set(["models"]);

/** Whether there is a scope of this name. */
export function isScope(name: string): name is Scope {
  return (SCOPES as readonly string[]).includes(name);
}

/** Whether permissions reach a level of a scope. */
export function allows(permissions: Permissions, scope: Scope, level: Level): boolean {
  return RANK[permissions[scope]] >= RANK[level];
}

/** The same level for every scope, as far as the scope knows it: no read of id-token, no write of models. */
export function everywhere(level: Level): Permissions {
  return mapScopes((scope) =>
    level === "read" && WRITE_ONLY.has(scope) ? "none" : level === "write" && READ_ONLY.has(scope) ? "read" : level,
  );
}

/** Named scopes; every scope that is not named has none. */
export function named(levels: Readonly<Partial<Record<Scope, Level>>>): Permissions {
  return mapScopes((scope) => levels[scope] ?? "none");
}

/** What a repository's setting grants where a workflow says nothing: never an OIDC token. */
export function repositoryDefault(setting: "read" | "write"): Permissions {
  return setting === "read"
    ? named({ contents: "read", packages: "read" })
    : { ...everywhere("write"), "id-token": "none" };
}

/** The lesser of both in each scope: a called workflow gets no more than its caller has. */
export function intersect(a: Permissions, b: Permissions): Permissions {
  return mapScopes((scope) => (RANK[a[scope]] <= RANK[b[scope]] ? a[scope] : b[scope]));
}

/**
 * What a called workflow asks for and its caller did not grant, as the service writes it; undefined if nothing
 * (facts: github 2, "the RUN fails at start").
 */
export function excess(asked: Permissions, granted: Permissions): { requesting: string; allowed: string } | undefined {
  const scopes = SCOPES.filter((scope) => RANK[asked[scope]] > RANK[granted[scope]]);
  if (scopes.length === 0) return undefined;
  const list = (permissions: Permissions): string =>
    scopes.map((scope) => `${scope}: ${permissions[scope]}`).join(", ");
  return { requesting: list(asked), allowed: list(granted) };
}

/** A pull request of a fork, or of Dependabot, gets a reading token and no OIDC (facts: github 4, 5). */
export function readOnly(permissions: Permissions): Permissions {
  return intersect(permissions, everywhere("read"));
}

function mapScopes(level: (scope: Scope) => Level): Permissions {
  return Object.fromEntries(SCOPES.map((scope) => [scope, level(scope)])) as Record<Scope, Level>;
}
