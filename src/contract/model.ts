/** What `four-tier.yml` says, typed. Names are camelCase here and snake_case in the file; everything optional has its default. */
import type { Where } from "../findings.ts";

/** The kinds of resource that are deployed, in the order in which they are: what others name comes first. */
export const RESOURCE_KINDS = ["schemas", "volumes", "registered_models", "experiments", "pipelines", "jobs"] as const;
/** A kind of resource of a bundle that is deployed: the word under `resources`. */
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** The four tiers, in the order a change climbs them. */
export type TierName = "sandbox" | "dev" | "staging" | "prod";
/** In the order of the path; the sandbox is optional. */
export const TIERS: readonly TierName[] = ["sandbox", "dev", "staging", "prod"];

/** The key of a bundle resource: `jobs.score`, `pipelines.silver`. */
export type ResourceKey = string;

/** A parsed, valid contract. What a tier makes of it: `resolveTier`. */
export interface Contract {
  readonly project: string;
  /** The file it came from, as findings name it. */
  readonly file: string;
  readonly suite: {
    /** Commits of the suite (40 or 64 hex) whose runs count as evidence besides those the callers pin. */
    readonly commits: readonly string[];
  };
  /** Commits that may enter without an approved pull request. */
  readonly acceptedCommits: readonly { readonly commit: string; readonly reason: string }[];
  /** The branch on which evidence documents are kept; undefined: none is. */
  readonly evidenceBranch: string | undefined;
  readonly tiers: Readonly<Record<TierName, TierPolicy>>;
  /** GitHub login (lower case) → Databricks user name. */
  readonly users: ReadonlyMap<string, string>;
  readonly grants: GrantsPolicy;
  readonly schedules: {
    readonly exceptions: readonly ScheduleException[];
    /** Patterns with `*` of names that count as the project's. */
    readonly names: readonly string[];
  };
  readonly holds: { readonly onExpiry: "report" | "resume" };
  /** Resources that stood before us: id by key, by tier. */
  readonly adopt: Readonly<Record<TierName, ReadonlyMap<ResourceKey, string>>>;
  /** As written; empty means one component, `default`, that holds everything. */
  readonly components: readonly ComponentPolicy[];
  /** Where a key (or an item: numbers) stands in the file; a key that is not written gives its nearest parent. */
  at(path: readonly (string | number)[]): Where;
}

/** One tier as the contract declares it, defaults filled in where they do not depend on the developer. */
export interface TierPolicy {
  /** `https://…`, no trailing slash; http only for a loopback host that was allowed. The sandbox has dev's. */
  readonly host: string;
  /** Digits; undefined if the contract does not say. */
  readonly workspaceId: string | undefined;
  /** Unity Catalog catalog; the sandbox's is a pattern, `{username}_sandbox`. */
  readonly catalog: string;
  /** Display name of the tier's service principal. */
  readonly servicePrincipal: string;
  /** Its application id, if the contract gives it. Not a secret. */
  readonly clientId: string | undefined;
  /** True if the contract names a principal for this tier itself (the sandbox authenticates in CI only then). */
  readonly hasPrincipal: boolean;
  readonly gate: GatePolicy;
  /** Resource keys that may be replaced or deleted; `*` is every resource (the sandbox's default). */
  readonly destructive: readonly string[];
  /** Who may take the tier back and open it again, by GitHub login, lower case; empty: its environment's reviewers say. */
  readonly operators: readonly string[];
  /** What becomes of the tier when a promotion stops half way. */
  readonly onFailure: "report" | "hold" | "rollback";
  readonly activeRuns: "allow" | "wait" | "fail";
  /** How long `wait` waits, in milliseconds. */
  readonly activeRunsTimeoutMs: number;
  /** `jobs.score.tasks[train].max_retries`: fields that may differ between staging and prod. */
  readonly mayDifferFromStaging: readonly string[];
  /** A group that may read the tier's folder. */
  readonly readers: string | undefined;
  /** Sandbox only: where sandbox catalogs are stored. */
  readonly storageRoot: string | undefined;
  /** Sandbox only: days an unused sandbox is kept. */
  readonly keepDays: number;
  /** Sandbox only: days between the warning and the removal. */
  readonly graceDays: number;
  /** Sandbox only: the group that may read dev's bronze and silver. */
  readonly developers: string | undefined;
  /** Sandbox only: what every login of an enterprise ends with after `_`, lower case; not part of a sandbox's name. */
  readonly loginSuffix: string | undefined;
}

/** What a release must show to enter the tier. */
export interface GatePolicy {
  /** How long the release must have stood in the tier below, in milliseconds. */
  readonly soakMs: number;
  /** How many verifications it must have passed there. */
  readonly verifications: number;
  /** What is run to verify a deployment to this tier. */
  readonly verify: readonly VerifyStep[];
  /** How long that may take in all, in milliseconds. */
  readonly verifyTimeoutMs: number;
  /** How old the tier's newest estate proof may be, in milliseconds; undefined: none is asked for. */
  readonly estateMs: number | undefined;
  readonly approvers: ApproverPolicy;
  /** When a promotion may enter; empty means always. */
  readonly windows: readonly Window[];
  /** When none may, the whole contract's among them. */
  readonly freezes: readonly Freeze[];
}

/** Who may approve; never whoever started the run. */
export interface ApproverPolicy {
  /** `review`: one reviewer of the environment; `dispatch`: people who give the digests of the brief. */
  readonly by: "review" | "dispatch";
  readonly count: number;
  /** GitHub logins, lower case; empty: everybody who may write. */
  readonly from: readonly string[];
  /** Who wrote commits of the release may not approve it. */
  readonly notAuthor: boolean;
}

/** From a local time up to another, which is not in it any more. */
export interface Freeze {
  readonly from: LocalTime;
  readonly until: LocalTime;
  readonly zone: string;
  readonly reason: string;
}

/** What a calendar and a clock on the wall show. */
export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** After midnight. */
  readonly minutes: number;
}

/** One thing that a verification starts: a job's run, a pipeline's update, or an update that only checks the code. */
export interface VerifyStep {
  readonly key: ResourceKey;
  readonly how: "run" | "update" | "validate_only";
}

/** `Mon-Thu 08:00-16:00 Europe/Berlin`. */
export interface Window {
  readonly text: string;
  /** 1 = Monday … 7 = Sunday. */
  readonly days: readonly number[];
  /** Minutes after local midnight; `to` is exclusive, and smaller than `from` when the window runs past midnight. */
  readonly from: number;
  readonly to: number;
  /** An IANA time zone. */
  readonly zone: string;
}

/** Who may do what, beyond the tiers' own principals. */
export interface GrantsPolicy {
  /** `catalog`: we own the catalogs and may remove; `project`: we check, and only add. */
  readonly authority: "catalog" | "project";
  readonly rules: readonly GrantRule[];
  /** Expired ones included: whether one holds is asked with the time in hand. */
  readonly exceptions: readonly GrantException[];
}

/** One entry of `grants.rules`: what a principal must, may or must not have on a securable. */
export interface GrantRule {
  readonly on: Securable;
  /** As a person would name it: user name, group name, service principal's display name or application id. */
  readonly principal: string;
  /** Upper case with underscores: `USE_CATALOG`. */
  readonly privileges: readonly string[];
  readonly effect: "require" | "allow" | "forbid";
  readonly where: Where;
}

/** Access that is tolerated for a while. */
export interface GrantException extends Omit<GrantRule, "effect"> {
  /** ISO date, the last day on which it holds (UTC). */
  readonly until: string;
  readonly reason: string;
}

/** `catalog staging`, `schema prod.gold`, with `*` for any part of a name; the metastore has an empty name. */
export interface Securable {
  readonly type:
    | "metastore"
    | "catalog"
    | "schema"
    | "table"
    | "volume"
    | "function"
    | "model"
    | "external_location"
    | "storage_credential";
  readonly name: string;
}

/** A schedule that may differ from the tier's rule for a while. Whether it has expired is asked with the time in hand. */
export interface ScheduleException {
  readonly tier: TierName;
  /** `jobs.nightly_eval` or `pipelines.events`. */
  readonly resource: ResourceKey;
  readonly state: "running" | "paused";
  /** ISO date, `2027-01-31`: the last day on which it holds (UTC). */
  readonly until: string;
  readonly reason: string;
  readonly where: Where;
}

/** A named part of the release, as the contract declares it. */
interface ComponentPolicy {
  readonly name: string;
  readonly files: readonly string[];
  readonly resources: readonly ResourceKey[];
}

/**
 * One tier, resolved for one run: what the contract says of it, the sandbox's catalog being the developer's own. Who
 * operates it and what becomes of a failure, the default branch's contract alone says.
 */
export interface Tier extends Omit<TierPolicy, "operators" | "onFailure"> {
  readonly name: TierName;
  readonly project: string;
  /** Where bronze and silver are read from: `dev` in the sandbox, the tier's own catalog elsewhere. */
  readonly sourceCatalog: string;
  readonly schedules: "paused" | "running";
  /** The tier a release must have been in before; the sandbox is optional, so dev has none. */
  readonly previous: TierName | undefined;
  readonly adopt: ReadonlyMap<ResourceKey, string>;
  /** This tier's schedule exceptions, expired ones included. */
  readonly exceptions: readonly ScheduleException[];
  /** Sandbox only: the developer's name as it stands in the catalog's name. */
  readonly developer: string | undefined;
  /** Sandbox only: the developer's GitHub login, lower case. */
  readonly login: string | undefined;
  /** Sandbox only: who that is in Databricks, if the contract's `users` say. */
  readonly user: string | undefined;
  /** Sandbox only: the application id of dev's principal, which cleans up after the developer. */
  readonly manager: string | undefined;
}

/** A tier whose records count; a sandbox is nobody's evidence. */
export type RecordedTier = Tier & { readonly name: Exclude<TierName, "sandbox"> };
