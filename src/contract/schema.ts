/**
 * The shape of `four-tier.yml`. This one schema validates the file and is published as `four-tier.schema.json`
 * (scripts/schema.ts), so descriptions are written for the person who edits the file. It has no transforms: what the
 * texts mean is in values.ts, what is missing in defaults.ts, what contradicts itself in checks.ts.
 */
import * as v from "valibot";
import { RESOURCE_KINDS } from "./model.ts";

const RESOURCE_KEY = new RegExp(`^(?:${RESOURCE_KINDS.join("|")})\\.[A-Za-z0-9_-]+$`);
const BARE_OR_JOB_KEY = /^(?:jobs\.)?[A-Za-z0-9_-]+$/;
const NAME_PART = "[^\\s./`]+";

const resourceKey = v.pipe(
  v.string(),
  v.regex(RESOURCE_KEY, "must be a resource key of the bundle, such as jobs.score"),
);
const jobKey = v.pipe(
  v.string(),
  v.regex(BARE_OR_JOB_KEY, "must be the key of a job in the bundle, such as smoke_test or jobs.smoke_test"),
);
const runnableKey = v.pipe(
  v.string(),
  v.regex(
    /^(?:(?:jobs|pipelines)\.)?[A-Za-z0-9_-]+$/,
    "must be the key of a job or a pipeline in the bundle, such as smoke_test, jobs.smoke_test or pipelines.silver",
  ),
);
const verifyStep = v.union(
  [
    runnableKey,
    v.pipe(
      v.record(
        v.pipe(
          v.string(),
          v.regex(/^pipelines\.[A-Za-z0-9_-]+$/, "must be a pipeline's key, such as pipelines.silver"),
        ),
        v.picklist(["validate_only", "update"]),
      ),
      v.description(
        "What to do with a pipeline: `{ pipelines.silver: validate_only }` checks its code and moves no data.",
      ),
    ),
  ],
  "must be a key such as smoke_test, jobs.smoke_test or pipelines.silver, or { pipelines.silver: validate_only }",
);
const text = v.pipe(v.string(), v.regex(/^[^\s].*$/, "must not be empty or begin with a blank"), v.maxLength(300));
const reason = v.pipe(
  v.string(),
  v.regex(/\S/, "must say something"),
  v.maxLength(500),
  v.description("Why, for whoever reads it later."),
);
const tierName = v.pipe(
  v.picklist(["sandbox", "dev", "staging", "prod"]),
  v.description("The tier in which it holds."),
);

const workspace = v.pipe(
  v.string(),
  v.description(
    "The workspace's address, such as https://dev-123.cloud.databricks.com. Only https, and only Databricks' own domains or those of the action input `allowed-hosts`.",
  ),
);
const workspaceId = v.pipe(
  v.string(),
  v.regex(/^\d{1,19}$/, "must be digits"),
  v.description(
    "The workspace's id, in quotes (as a YAML number it could lose digits). When given, every run proves that it talks to this workspace.",
  ),
);
const clientId = v.pipe(
  v.string(),
  v.regex(
    /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
    "must be an application id, such as 0a1b2c3d-0000-4000-8000-000000000001",
  ),
  v.description(
    "The service principal's application id (OAuth client id). Not a secret. The action input `client-id` wins.",
  ),
);
const servicePrincipal = (tier: string) =>
  v.pipe(text, v.description(`Display name of the tier's service principal. Default: ml-pipelines-${tier}.`));
const catalog = (name: string) =>
  v.pipe(
    v.string(),
    v.regex(new RegExp(`^${NAME_PART}$`), "must be a catalog's name, without dots, slashes, blanks or backquotes"),
    v.maxLength(255),
    v.description(`The Unity Catalog catalog of the tier. Default: ${name}.`),
  );

const moment = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2})?$/, "must be a date, 2026-12-20, or a date and time, 2026-12-20T18:00"),
);

/** A list of freezes. */
const freezes = (description: string) =>
  v.pipe(
    v.array(
      v.strictObject({
        from: v.pipe(moment, v.description("The first day, or day and time, of the freeze.")),
        until: v.pipe(moment, v.description("The last day; with a time, the moment at which it ends.")),
        zone: v.optional(v.pipe(text, v.description("The time zone of both, such as Europe/Berlin.")), "UTC"),
        reason,
      }),
    ),
    v.description(description),
  );

const gate = v.pipe(
  v.strictObject({
    soak: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,6}[smhd]$/, "must be a number and a unit: 90s, 45m, 24h, 3d"),
        v.description("How long a release must have stood in the tier below before it may enter."),
      ),
      "0s",
    ),
    verifications: v.optional(
      v.pipe(
        v.number(),
        v.integer("must be a whole number"),
        v.minValue(0, "must be 0 or more"),
        v.maxValue(100, "must be 100 or less"),
        v.description("How many verifications the release must have passed in the tier below."),
      ),
      1,
    ),
    verify: v.optional(
      v.pipe(
        v.array(verifyStep),
        v.description(
          "Jobs and pipelines of the bundle that are run to verify a deployment to this tier: `smoke_test`, `jobs.smoke_test`, `pipelines.silver`, or `{ pipelines.silver: validate_only }`.",
        ),
      ),
      [],
    ),
    verify_timeout: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,6}[smhd]$/, "must be a number and a unit: 90s, 45m, 24h, 3d"),
        v.description(
          "How long a verification may take in all. What it started and has not ended by then is cancelled, and the verification has failed.",
        ),
      ),
      "30m",
    ),
    estate: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,6}[smhd]$/, "must be a number and a unit: 90s, 45m, 24h, 3d"),
        v.description(
          "How old the tier's newest passed estate proof (audit.yml) may be when a release enters. Default: none is asked for.",
        ),
      ),
    ),
    approvers: v.optional(
      v.pipe(
        v.union([
          v.picklist(["not_actor"]),
          v.strictObject({
            by: v.optional(
              v.pipe(
                v.picklist(["review", "dispatch"]),
                v.description(
                  "`review`: a required reviewer of the environment. `dispatch`: persons who run operate.yml with the digests of the brief; where GitHub has no required reviewers, or more than one person must agree.",
                ),
              ),
              "review",
            ),
            count: v.optional(
              v.pipe(
                v.number(),
                v.integer("must be a whole number"),
                v.minValue(1, "must be 1 or more"),
                v.maxValue(6, "must be 6 or less"),
                v.description("How many persons must approve; an environment gives one, so more need `by: dispatch`."),
              ),
              1,
            ),
            from: v.optional(
              v.pipe(
                v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "must be a GitHub login"))),
                v.description("Whose approval counts, by GitHub login. Default: everybody who may write."),
              ),
              [],
            ),
            not_author: v.optional(
              v.pipe(
                v.boolean(),
                v.description("Whether who wrote commits of the release may not approve it. Default: they are named."),
              ),
              false,
            ),
          }),
        ]),
        v.description(
          "Who may approve. `not_actor`: one reviewer of the environment who did not start the run. Or `{ by, count, from, not_author }`: `by: review` is the same, `by: dispatch` counts persons who run operate.yml with the digests of the brief (and a reviewer as one of them); `count` how many; `from` whose count, by login; `not_author: true` for nobody who wrote the release.",
        ),
      ),
      "not_actor",
    ),
    windows: v.optional(
      v.pipe(
        v.array(v.string()),
        v.description(
          "When a promotion may enter, such as `Mon-Thu 08:00-16:00 Europe/Berlin`; several are joined by `or`, none means always.",
        ),
      ),
      [],
    ),
    freezes: v.optional(freezes("When no promotion may enter this tier, whatever the windows say."), []),
  }),
  v.description("What a release must show to enter this tier. Read from the default branch, never from the release."),
);

const destructive = v.pipe(
  v.array(
    v.pipe(
      v.string(),
      v.regex(new RegExp(`${RESOURCE_KEY.source}|^\\*$`), "must be a resource key such as jobs.score, or * for all"),
    ),
  ),
  v.description(
    "Resources that a promotion may replace or delete, by key; `*` is all. Default: none, and in the sandbox all.",
  ),
);

const operators = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "must be a GitHub login"))),
  v.description(
    "Who may roll the tier back, resume it, accept a rejected release in it and unpause its schedules, by GitHub login. Without it prod asks for required reviewers of the environment prod-ops, and dev and staging take everybody who may write.",
  ),
);

const onFailure = v.pipe(
  v.picklist(["report", "hold", "rollback"]),
  v.description(
    "What becomes of the tier when a promotion stops half way: `report` says it; `hold` takes no other release until somebody resumes; `rollback` puts the tier back to what it had where that is safe (only metadata or what waits for the next run was changed, and nothing has run since), and holds where it is not. Default: `hold` in prod, else `report`.",
  ),
);

const activeRuns = v.pipe(
  v.picklist(["allow", "wait", "fail"]),
  v.description(
    "What to do when a job that is about to change has an active run: `allow` (the run keeps its code), `wait`, or `fail`.",
  ),
);

const activeRunsTimeout = v.pipe(
  v.string(),
  v.regex(/^\d{1,6}[smhd]$/, "must be a number and a unit: 90s, 45m, 24h, 3d"),
  v.description(
    "How long `active_runs: wait` waits for active runs to end before the promotion is refused. Runs that never end (continuous) are not waited for.",
  ),
);

const ownTier = (name: "dev" | "staging" | "prod") => ({
  workspace,
  workspace_id: v.optional(workspaceId),
  service_principal: v.optional(servicePrincipal(name)),
  client_id: v.optional(clientId),
  readers: v.optional(
    v.pipe(
      text,
      v.description(
        "A group that may read the tier's folder (ledger and releases), such as the one of a view-only principal for the brief. Nobody else but the tier's principal can.",
      ),
    ),
  ),
  catalog: v.optional(catalog(name)),
  gate: v.optional(gate, {}),
  destructive: v.optional(destructive, []),
  operators: v.optional(operators, []),
  on_failure: v.optional(onFailure),
  active_runs: v.optional(activeRuns, "allow"),
  active_runs_timeout: v.optional(activeRunsTimeout, "30m"),
});

const sandbox = v.pipe(
  v.strictObject({
    workspace: v.optional(v.pipe(v.string(), v.description("Not needed: the sandbox shares dev's workspace."))),
    workspace_id: v.optional(workspaceId),
    service_principal: v.optional(
      v.pipe(
        text,
        v.description(
          "Display name of the sandbox's own service principal. Without it pull requests deploy nothing: CI never uses dev's principal for a branch. Default name: ml-pipelines-sandbox.",
        ),
      ),
    ),
    client_id: v.optional(clientId),
    destructive: v.optional(destructive, ["*"]),
    active_runs: v.optional(activeRuns, "allow"),
    active_runs_timeout: v.optional(activeRunsTimeout, "30m"),
    storage_root: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^(?:s3|abfss|gs|r2):\/\/[^\s]+$/, "must be a cloud storage address, such as s3://acme-sandboxes"),
        v.description(
          "Where sandbox catalogs keep their managed tables; needed where the metastore has no root storage.",
        ),
      ),
    ),
    keep_days: v.optional(
      v.pipe(
        v.number(),
        v.integer("must be a whole number"),
        v.minValue(1, "must be 1 or more"),
        v.maxValue(3650, "must be 3650 or less"),
        v.description("Days an unused sandbox is kept before it is warned about and later removed."),
      ),
      30,
    ),
    grace_days: v.optional(
      v.pipe(
        v.number(),
        v.integer("must be a whole number"),
        v.minValue(1, "must be 1 or more"),
        v.maxValue(365, "must be 365 or less"),
        v.description("Days between the warning and the removal of an unused sandbox."),
      ),
      7,
    ),
    developers: v.optional(
      v.pipe(
        text,
        v.description(
          "The account group that may read dev's bronze and silver, granted to it once. The developers and the sandbox's service principal belong to it. Default: ml-pipelines-developers.",
        ),
      ),
      "ml-pipelines-developers",
    ),
    login_suffix: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^[A-Za-z0-9]{1,20}$/, "must be an enterprise's short code, such as acme"),
        v.description(
          "The short code with which every login of an enterprise with managed users ends. It is left out of a sandbox's name: with acme, mona_acme has mona_sandbox.",
        ),
      ),
    ),
  }),
  v.description(
    "The developers' own tier, optional on the way up. Catalogs are {username}_sandbox, in dev's workspace.",
  ),
);

const tiers = v.pipe(
  v.strictObject({
    sandbox: v.optional(sandbox, {}),
    dev: v.pipe(v.strictObject(ownTier("dev")), v.description("Every merge to the default branch. Schedules paused.")),
    staging: v.pipe(v.strictObject(ownTier("staging")), v.description("What dev has verified. Schedules paused.")),
    prod: v.pipe(
      v.strictObject({
        ...ownTier("prod"),
        may_differ_from_staging: v.optional(
          v.pipe(
            v.array(text),
            v.description(
              "Fields that may differ between staging and prod, such as jobs.score.max_concurrent_runs, beyond catalog, names, hosts, principals and schedules.",
            ),
          ),
          [],
        ),
      }),
      v.description("What staging has verified and a person has approved. Schedules run."),
    ),
  }),
  v.description("The four tiers. Only the workspaces of dev, staging and prod are required."),
);

const grantedOn = v.pipe(
  v.string(),
  v.regex(
    new RegExp(
      `^(?:metastore|(?:catalog|external_location|storage_credential) ${NAME_PART}|schema ${NAME_PART}\\.${NAME_PART}|(?:table|volume|function|model) ${NAME_PART}(?:\\.${NAME_PART}){2})$`,
    ),
    "must be a type and a full name: catalog staging, schema prod.gold, table prod.gold.scores",
  ),
  v.description(
    "What is granted on: `catalog staging`, `schema prod.gold`, `table prod.gold.scores`, `external_location lake`, `storage_credential lake-role`, or `metastore` (its owners). `*` stands for any part of one name: `catalog *`, `schema prod.*`. It reaches what is below it.",
  ),
);

const privileges = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[A-Za-z]+(?:[ _][A-Za-z]+)*$/, "must be a privilege such as SELECT"))),
  v.minLength(1, "must name at least one privilege"),
  v.description("Unity Catalog privileges, such as USE_CATALOG, USE_SCHEMA, SELECT."),
);

const grants = v.pipe(
  v.strictObject({
    authority: v.optional(
      v.pipe(
        v.picklist(["project", "catalog"]),
        v.description(
          "`project`: rights are checked and only added. `catalog`: we own the catalogs and may also remove.",
        ),
      ),
      "project",
    ),
    rules: v.optional(
      v.pipe(
        v.array(
          v.strictObject({
            on: grantedOn,
            principal: v.pipe(
              text,
              v.description(
                "A group, a user name, or a service principal's display name or application id. Of a rule that forbids also `*`: everybody but the tier's own principal.",
              ),
            ),
            privileges,
            effect: v.optional(
              v.pipe(
                v.picklist(["require", "allow", "forbid"]),
                v.description(
                  "`require`: it must be granted, and is. `allow`: it may be. `forbid`: nobody it speaks of may have it, by whatever path.",
                ),
              ),
              "require",
            ),
          }),
        ),
        v.description("Who may do what, beyond the tiers' own principals."),
      ),
      [],
    ),
    exceptions: v.optional(
      v.pipe(
        v.array(
          v.strictObject({
            on: grantedOn,
            principal: v.pipe(text, v.description("Who has it meanwhile: a group, a user, a service principal.")),
            privileges,
            until: v.pipe(
              v.string(),
              v.regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date such as 2027-01-31"),
              v.description("The last day (UTC) on which the exception holds."),
            ),
            reason,
          }),
        ),
        v.description(
          "Access that is tolerated for a while, over a rule that forbids it. No exception lets one tier's principal into another tier.",
        ),
      ),
      [],
    ),
  }),
  v.description("Access beyond the rule that a principal has everything on its own catalog and nothing on another's."),
);

const schedules = v.pipe(
  v.strictObject({
    exceptions: v.optional(
      v.pipe(
        v.array(
          v.strictObject({
            tier: tierName,
            job: v.optional(v.pipe(jobKey, v.description("Key of the job in the bundle."))),
            pipeline: v.optional(
              v.pipe(
                v.string(),
                v.regex(/^(?:pipelines\.)?[A-Za-z0-9_-]+$/, "must be the key of a pipeline in the bundle"),
                v.description("Key of the pipeline in the bundle."),
              ),
            ),
            state: v.pipe(v.picklist(["running", "paused"]), v.description("What its schedules are meanwhile.")),
            until: v.pipe(
              v.string(),
              v.regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date such as 2027-01-31"),
              v.description("The last day (UTC) on which the exception holds."),
            ),
            reason,
          }),
        ),
        v.description(
          "Schedules that may differ from their tier's rule for a while; each names one job or one pipeline.",
        ),
      ),
      [],
    ),
    names: v.optional(
      v.pipe(
        v.array(text),
        v.description(
          "Names of jobs and pipelines that count as this project's though nothing of the suite made them, `*` for anything: `churn *`. They are paused where a tier is paused, and never started.",
        ),
      ),
      [],
    ),
  }),
  v.description("Outside prod schedules are paused; in prod those that are declared run."),
);

const holds = v.pipe(
  v.strictObject({
    on_expiry: v.optional(
      v.pipe(
        v.picklist(["report", "resume"]),
        v.description("What happens when a hold has expired: `report` it and keep it, or `resume` the schedules."),
      ),
      "report",
    ),
  }),
  v.description("Recorded reasons why schedules stay paused or a tier takes no promotion."),
);

const adoptIds = v.pipe(
  v.record(
    resourceKey,
    v.pipe(
      v.string(),
      v.regex(
        /^[0-9A-Za-z_.-]{1,255}$/,
        "must be the resource's id (of a schema, volume or model its full name), in quotes",
      ),
    ),
  ),
  v.description("Id by resource key, in quotes; of a schema, volume or model its full name."),
);

const component = v.pipe(
  v.strictObject({
    files: v.pipe(
      v.array(text),
      v.minLength(1, "must name at least one file pattern"),
      v.description("Globs from the repository's root. Files that no component claims are carried by each."),
    ),
    resources: v.pipe(
      v.array(resourceKey),
      v.minLength(1, "must name at least one resource"),
      v.description("Resource keys of the bundle."),
    ),
  }),
  v.description("One part: its files and its resources."),
);

export const contractSchema = v.pipe(
  v.strictObject({
    project: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"),
        v.description(
          "Names the project in tags and in the tier's folders. Two repositories that share a workspace and a principal need two names.",
        ),
      ),
      "ml-pipelines",
    ),
    suite: v.optional(
      v.pipe(
        v.strictObject({
          commits: v.optional(
            v.pipe(
              v.array(v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "must be a full commit id"))),
              v.description("Commits of the suite that are trusted besides those that the caller workflows pin."),
            ),
            [],
          ),
        }),
        v.description("Which versions of Four-Tier produce evidence that counts."),
      ),
      {},
    ),
    tiers,
    users: v.optional(
      v.pipe(
        v.record(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "must be a GitHub login")), text),
        v.description("GitHub login to Databricks user name: whom to grant a sandbox."),
      ),
      {},
    ),
    grants: v.optional(grants, {}),
    schedules: v.optional(schedules, {}),
    holds: v.optional(holds, {}),
    freezes: v.optional(freezes("When no promotion may enter dev, staging or prod."), []),
    adopt: v.optional(
      v.pipe(
        v.strictObject({
          sandbox: v.optional(adoptIds, {}),
          dev: v.optional(adoptIds, {}),
          staging: v.optional(adoptIds, {}),
          prod: v.optional(adoptIds, {}),
        }),
        v.description("Resources that stood before Four-Tier and become ours: id by resource key, by tier."),
      ),
      {},
    ),
    components: v.optional(
      v.pipe(
        v.record(
          v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "must be a name of a-z, 0-9, _ and -")),
          component,
        ),
        v.description("Named parts of the release that move on their own. Default: one part, all of it."),
      ),
      {},
    ),
  }),
  v.title("Four-Tier contract"),
  v.description("What the four tiers of this repository's Databricks ML pipelines are."),
);

/** A contract as written, defaults of the schema filled in. */
export type ContractFile = v.InferOutput<typeof contractSchema>;
