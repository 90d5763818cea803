/** The key `tiers` of `four-tier.yml`: the four tiers, and what each asks of a release. */
import * as v from "valibot";
import { freezes, NAME_PART, RESOURCE_KEY, text, wholeNumber } from "./schema-texts.ts";

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
      wholeNumber(
        0,
        10,
        "How many verifications the release must have passed in the tier below, its deployment among them; at most 10, since each is held against the run behind it. For longer, ask for a soak.",
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
          "How long a verification may take in all, at most 90m: the workflows' jobs end after two hours. What it started and has not ended by then is cancelled, and the verification has failed.",
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
        v.union(
          [
            v.picklist(["not_actor"]),
            v.strictObject({
              by: v.optional(
                v.pipe(
                  v.picklist(["review", "dispatch"]),
                  v.description(
                    "`review`: a required reviewer of the environment. `dispatch`: people who run operate.yml with the digests of the brief; where GitHub has no required reviewers, or more than one person must agree.",
                  ),
                ),
                "review",
              ),
              count: v.optional(
                wholeNumber(
                  1,
                  6,
                  "How many people must approve; an environment gives one, so more need `by: dispatch`.",
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
                  v.description(
                    "Whether who wrote commits of the release may not approve it. Default: they are named.",
                  ),
                ),
                false,
              ),
            }),
          ],
          "must be not_actor, or { by: review or dispatch, count: 1 to 6, from: [logins], not_author: true or false }",
        ),
        v.description(
          "Who may approve. `not_actor`: one reviewer of the environment who did not start the run. Or `{ by, count, from, not_author }`: `by: review` is the same, `by: dispatch` counts people who run operate.yml with the digests of the brief (and a reviewer as one of them); `count` how many; `from` whose count, by login; `not_author: true` for nobody who wrote the release.",
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
    "How long `active_runs: wait` waits for active runs to end before the promotion is refused, at most 90m (in the sandbox 30m): the workflows' jobs end some time. Runs that never end (continuous) are not waited for.",
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
      wholeNumber(1, 3650, "Days an unused sandbox is kept before it is warned about and later removed."),
      30,
    ),
    grace_days: v.optional(wholeNumber(1, 365, "Days between the warning and the removal of an unused sandbox."), 7),
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

/** The key `tiers`. */
export const tiers = v.pipe(
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
