/**
 * The shape of `four-tier.yml`. This one schema validates the file and is published as `four-tier.schema.json`
 * (scripts/schema.ts), so descriptions are written for the person who edits the file. It has no transforms: what the
 * texts mean is in values.ts, what is missing in defaults.ts, what contradicts itself in checks.ts.
 */
import * as v from "valibot";
import {
  branchName,
  freezes,
  jobKey,
  lastDay,
  NAME_PART,
  reason,
  resourceKey,
  text,
  tierName,
} from "./schema-texts.ts";
import { tiers } from "./schema-tiers.ts";

const commitId = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "must be a full commit id"));

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
            until: lastDay,
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
            until: lastDay,
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

const evidence = v.pipe(
  v.strictObject({
    branch: v.pipe(
      branchName,
      v.description(
        "The branch, such as `four-tier-evidence`; not the default branch, which validate.yml refuses in a pull request. A ruleset must forbid its deletion and non-fast-forward pushes, which keep.yml and the gate check.",
      ),
    ),
  }),
  v.description(
    "Where evidence documents are kept for good, by keep.yml: a branch that only grows. With it, prod takes only releases whose document of staging is kept there. Read from the default branch.",
  ),
);

/** The whole file. */
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
              v.array(commitId),
              v.description("Commits of the suite that are trusted besides those that the caller workflows pin."),
            ),
            [],
          ),
        }),
        v.description("Which versions of Four-Tier produce evidence that counts."),
      ),
      {},
    ),
    accepted_commits: v.optional(
      v.pipe(
        v.array(
          v.strictObject({
            commit: v.pipe(commitId, v.description("The commit, all 40 hex digits.")),
            reason,
          }),
        ),
        v.description(
          "Commits that may enter staging and prod though no approved pull request brought them, such as one that was pushed by hand and read since: `{ commit, reason }`. Counts for releases whose own contract says it, too.",
        ),
      ),
      [],
    ),
    evidence: v.optional(evidence),
    tiers,
    users: v.optional(
      v.pipe(
        v.record(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_.+@-]*$/, "must be a GitHub login")), text),
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
