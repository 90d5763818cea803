/**
 * What a simulated Databricks account holds at the start: the `databricks:` half of a scenario file (docs/scenario.md).
 * Strict: an unknown key is refused by name, so that a typing error never makes a test pass.
 */
import * as v from "valibot";
import { MANNERS } from "../door.ts";
import { Behaviours } from "./behaviours.ts";

const name = v.pipe(v.string(), v.minLength(1));
const names = v.array(name);
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const uuid = v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, "not a UUID"));
const digits = v.pipe(v.string(), v.regex(/^\d+$/, "ids are quoted strings of digits"));
const jsonObject = v.record(v.string(), v.unknown());

/** Principal -> privileges, as one would write GRANT. */
const grants = v.record(name, v.array(name));
/** A grant whose principal was deleted: only `principal_id` is left (facts: unity-catalog 1.1). */
const orphans = v.array(v.strictObject({ principal_id: digits, privileges: names }));

/** Workspace -> how it is bound. */
const bindings = v.record(name, v.picklist(["READ_WRITE", "READ_ONLY"]));

const securable = {
  owner: v.optional(name),
  comment: v.optional(v.string()),
  /** When it was last changed; default: now. */
  updated: v.optional(v.pipe(v.string(), v.isoTimestamp())),
  properties: v.optional(v.record(v.string(), v.string())),
  grants: v.optional(grants),
  orphans: v.optional(orphans),
};

const Table = v.strictObject({
  ...securable,
  type: v.optional(
    v.picklist([
      "MANAGED",
      "EXTERNAL",
      "VIEW",
      "MATERIALIZED_VIEW",
      "STREAMING_TABLE",
      "FOREIGN",
      "METRIC_VIEW",
      "MANAGED_SHALLOW_CLONE",
      "EXTERNAL_SHALLOW_CLONE",
    ]),
    "MANAGED",
  ),
  columns: v.optional(v.record(name, name)),
  /** Where an external one keeps its files. */
  storage: v.optional(name),
});
/** External if it keeps its files somewhere of its own. */
const Volume = v.strictObject({ ...securable, storage: v.optional(name) });
const Leaf = v.strictObject(securable);

const Schema = v.strictObject({
  ...securable,
  /** Where it keeps managed data, if not where its catalog does. */
  storage: v.optional(name),
  tables: v.optional(v.record(name, Table), {}),
  volumes: v.optional(v.record(name, Volume), {}),
  functions: v.optional(v.record(name, Leaf), {}),
  models: v.optional(v.record(name, Leaf), {}),
});

const pauseStatus = v.picklist(["PAUSED", "UNPAUSED"]);
const CronOfMonitor = v.strictObject({
  quartz_cron_expression: name,
  timezone_id: name,
  pause_status: v.optional(pauseStatus),
});
const Alert = v.strictObject({
  display_name: name,
  owner_user_name: v.optional(name),
  parent_path: v.optional(name),
  schedule: v.strictObject({ quartz_cron_schedule: name, timezone_id: name, pause_status: v.optional(pauseStatus) }),
  /** Who can see it; default: everybody. */
  users: v.optional(names),
});

const Catalog = v.strictObject({
  ...securable,
  isolation: v.optional(v.picklist(["OPEN", "ISOLATED"]), "OPEN"),
  type: v.optional(
    v.picklist(["MANAGED_CATALOG", "SYSTEM_CATALOG", "INTERNAL_CATALOG", "DELTASHARING_CATALOG"]),
    "MANAGED_CATALOG",
  ),
  /** Where it keeps managed data, if not in the metastore's own storage. */
  storage: v.optional(name),
  /** Workspace -> how it is bound. */
  bindings: v.optional(bindings, {}),
  schemas: v.optional(v.record(name, Schema), {}),
});

/** What catalogs' storage hangs on; bound like a catalog. */
const reachable = {
  ...securable,
  isolation: v.optional(v.picklist(["OPEN", "ISOLATED"]), "OPEN"),
  bindings: v.optional(bindings, {}),
};
const ExternalLocation = v.strictObject({ ...reachable, url: name, credential: name });
const StorageCredential = v.strictObject(reachable);

/** An ABAC policy (facts: unity-catalog 1.11). */
const Policy = v.strictObject({
  name,
  /** `catalog prod`, `schema prod.gold`. */
  on: v.pipe(v.string(), v.regex(/^(?:catalog|schema|table) \S+$/, "must be a type and a full name")),
  type: v.optional(v.picklist(["GRANT", "ROW_FILTER", "COLUMN_MASK"]), "GRANT"),
  privileges: v.optional(names, []),
  to: names,
  except: v.optional(names, []),
  /** for_securable_type, as the API writes it. */
  for: v.optional(name, "TABLE"),
  when: v.optional(name),
});

/** A SQL warehouse, by its id. */
const Warehouse = v.strictObject({
  workspace: name,
  state: v.optional(v.picklist(["RUNNING", "STOPPED"]), "RUNNING"),
  /** Whether a stopped one starts when it is used; it then takes one poll. */
  starts: v.optional(v.boolean(), true),
  /** Who has CAN_USE; workspace admins have it anyway. */
  users: v.optional(names, []),
});

const FederationPolicy = v.strictObject({
  issuer: name,
  /** Left out: the account id (facts: databricks-api 1.2). */
  audiences: v.optional(v.pipe(names, v.minLength(1))),
  subject: name,
  subject_claim: v.optional(name, "sub"),
});

const ServicePrincipal = v.strictObject({
  application_id: uuid,
  /** Default: its key in the scenario. Two may share one. */
  display_name: v.optional(name),
  id: v.optional(digits),
  active: v.optional(v.boolean(), true),
  workspaces: v.optional(names, []),
  secrets: v.optional(v.pipe(names, v.maxLength(5, "a service principal has at most 5 OAuth secrets")), []),
  federation: v.optional(v.array(FederationPolicy), []),
  /** Who holds `roles/servicePrincipal.user` on it, and so may run jobs as it. */
  users: v.optional(names, []),
});

const User = v.strictObject({
  display_name: v.optional(v.string()),
  id: v.optional(digits),
  active: v.optional(v.boolean(), true),
  /** Default: every workspace. */
  workspaces: v.optional(names),
  /** Personal access tokens, for trying the simulator by hand. */
  tokens: v.optional(names, []),
});

const Group = v.strictObject({
  members: v.optional(names, []),
  id: v.optional(digits),
  external_id: v.optional(name),
  /** A workspace-local group, which Unity Catalog does not know; default: an account group. */
  workspace: v.optional(name),
  /** The workspaces an account group is assigned to, and shown in; default: all. */
  workspaces: v.optional(names),
});

const Acl = v.array(
  v.strictObject({ principal: name, level: v.pipe(v.string(), v.regex(/^(IS_OWNER|CAN_[A-Z_]+)$/)) }),
);

const Job = v.strictObject({
  id: v.optional(digits),
  owner: name,
  settings: jsonObject,
  permissions: v.optional(Acl, []),
  /** Runs that are active at the start and stay so until they are cancelled or told to finish. */
  active_runs: v.optional(count, 0),
});
const Pipeline = v.strictObject({
  id: v.optional(uuid),
  owner: name,
  spec: jsonObject,
  permissions: v.optional(Acl, []),
});
const File = v.union([
  v.string(),
  v.strictObject({
    content: v.optional(v.string()),
    base64: v.optional(v.string()),
    notebook: v.optional(v.picklist(["PYTHON", "SQL", "SCALA", "R"])),
    directory: v.optional(v.boolean()),
    permissions: v.optional(Acl),
  }),
]);

/** How runs of jobs whose name matches `job` (`*` is a wildcard) go on. The first match wins. */
const RunRule = v.strictObject({
  job: name,
  workspace: v.optional(name),
  result: v.optional(v.picklist(["SUCCESS", "FAILED", "TIMEDOUT", "CANCELED", "SUCCESS_WITH_FAILURES"]), "SUCCESS"),
  /** How many reads of the run see it active; `never`: until it is cancelled or told to finish. */
  polls: v.optional(v.union([count, v.literal("never")]), 2),
  output: v.optional(v.string()),
  error: v.optional(v.string()),
});
const UpdateRule = v.strictObject({
  pipeline: name,
  workspace: v.optional(name),
  result: v.optional(v.picklist(["COMPLETED", "FAILED", "CANCELED"]), "COMPLETED"),
  /** The first try fails, and the service tries again by itself: then it comes to the result. */
  retried: v.optional(v.boolean(), false),
  polls: v.optional(v.union([count, v.literal("never")]), 2),
  error: v.optional(v.string()),
});

/** One fault as a scenario writes it. */
export const FaultSchema = v.strictObject({
  method: v.optional(v.pipe(v.string(), v.toUpperCase()), "*"),
  /** A path; `*` matches anything, a slash too. */
  path: name,
  workspace: v.optional(name),
  principal: v.optional(name),
  /** Which matching request is the first to be hit, counted from 1. */
  nth: v.optional(positive, 1),
  /** How many from there on; `always`: all. */
  times: v.optional(v.union([positive, v.literal("always")]), 1),
  /**
   * `rate-limited`: 429 · `error`: `status`/`code`/`message` · `reset`: the connection breaks before any effect ·
   * `lost-answer`: the effect happens, then the connection breaks · `slow`: `delay_ms` · `stale`: the state before the
   * last write is read · `expired-token`: the token is refused as expired · and how the answer leaves, door.ts.
   */
  effect: v.picklist(["rate-limited", "error", "reset", "lost-answer", "slow", "stale", "expired-token", ...MANNERS]),
  status: v.optional(v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)), 503),
  code: v.optional(name),
  message: v.optional(v.string()),
  /** Seconds, or an HTTP date; left out: no Retry-After header. */
  retry_after: v.optional(v.union([count, name])),
  delay_ms: v.optional(count, 1000),
});

/** The `databricks:` half of a scenario. */
export const DatabricksSchema = v.strictObject({
  account_id: v.optional(uuid, "00000000-0000-4000-8000-000000000001"),
  metastore: v.optional(
    v.strictObject({
      /** Empty: nobody is its admin. */
      owner: v.optional(v.string(), "metastore-admins"),
      name: v.optional(name, "metastore"),
      /** Empty: the metastore has none, and a catalog needs its own. */
      storage_root: v.optional(v.string(), "s3://metastore"),
      external_access_enabled: v.optional(v.boolean(), false),
      grants: v.optional(grants),
    }),
    {},
  ),
  workspaces: v.record(
    name,
    v.strictObject({
      id: digits,
      /** Default: a free one. Fixed, a repository's contract can name the workspace before it runs. */
      port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
      /** Members of the workspace's `admins` group. */
      admins: v.optional(names, []),
    }),
  ),
  service_principals: v.optional(v.record(name, ServicePrincipal), {}),
  users: v.optional(v.record(name, User), {}),
  groups: v.optional(v.record(name, Group), {}),
  catalogs: v.optional(v.record(name, Catalog), {}),
  external_locations: v.optional(v.record(name, ExternalLocation), {}),
  storage_credentials: v.optional(v.record(name, StorageCredential), {}),
  policies: v.optional(v.array(Policy), []),
  warehouses: v.optional(v.record(name, Warehouse), {}),
  jobs: v.optional(v.record(name, v.array(Job)), {}),
  pipelines: v.optional(v.record(name, v.array(Pipeline)), {}),
  alerts: v.optional(v.record(name, v.array(Alert)), {}),
  /** Full name of a table -> its quality monitor. */
  monitors: v.optional(v.record(name, v.strictObject({ schedule: v.optional(CronOfMonitor) })), {}),
  files: v.optional(v.record(name, v.record(name, File)), {}),
  runs: v.optional(v.array(RunRule), []),
  updates: v.optional(v.array(UpdateRule), []),
  /** Issuers of federation tokens -> where their keys are. Loopback issuers are discovered. */
  issuers: v.optional(v.record(name, v.strictObject({ jwks_url: name })), {}),
  /** `token_federation_default_oidc_audiences` of the host metadata; default: the account id. */
  default_audiences: v.optional(names),
  token_lifetime_seconds: v.optional(positive, 3600),
  /** Added to every answer. */
  latency_ms: v.optional(count, 0),
  /** The service's own cap on the length of Unity Catalog pages. */
  page_size: v.optional(positive, 1000),
  /** Rows in one chunk of a statement's result. */
  sql_chunk_rows: v.optional(positive, 20_000),
  /** Bytes of an inline result beyond which a statement is ended (facts: unity-catalog 2). */
  sql_inline_bytes: v.optional(positive, 25 * 1024 * 1024),
  behaviours: v.optional(Behaviours, {}),
  faults: v.optional(v.array(FaultSchema), []),
});

/** What one writes. */
export type DatabricksScenario = v.InferInput<typeof DatabricksSchema>;
/** What is left after the defaults are filled in. */
export type ParsedScenario = v.InferOutput<typeof DatabricksSchema>;
/** A fault as written, defaults left out. */
export type FaultInput = v.InferInput<typeof FaultSchema>;
/** A fault with its defaults. */
export type Fault = v.InferOutput<typeof FaultSchema>;

/** A scenario that cannot be run: says which keys are wrong. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

/** Checks against a schema; throws ScenarioError naming every wrong key. `at` says where the value came from. */
export function parseStrictly<S extends v.GenericSchema>(schema: S, value: unknown, at: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const lines = result.issues.map((issue) => {
    const path = v.getDotPath(issue) ?? "";
    return issue.type === "strict_object" && issue.expected === "never"
      ? `${at}: unknown key ${path}`
      : `${at}: ${path === "" ? "" : `${path}: `}${issue.message}`;
  });
  throw new ScenarioError(lines.join("\n"));
}
