/**
 * The lines of docs/assumptions.md that no switch of the simulators turns, each with what else settles it. Held against
 * the page and the tests by assumptions.test.ts; docs/simulator.md shows it.
 */

/** How a line without a switch stands. */
export type Standing =
  /** A scenario without a switch plays both: what there is, by whom it is named, when it is shown. */
  | { readonly how: "by the scenario"; readonly why: string; readonly held: string }
  /** Neither answer changes what our code does; a test says so where one can. */
  | { readonly how: "not depended on"; readonly why: string; readonly held?: string }
  /** The other answer cannot be played, or our code could not tell it from this one. */
  | { readonly how: "not playable"; readonly why: string };

/** `held`: a file of tests and the words by which one of them is found, `file: words`. */
export const NOT_TURNED: Readonly<Record<string, Standing>> = {
  A1: {
    how: "not playable",
    why: "nothing of ours would run: GitHub refuses the file before the first step, and the runner does so for a reference that it does not find",
  },
  A15: {
    how: "not depended on",
    why: "a job whose environment an input names is skipped where that is empty, or the input has a default: the brief of commits alone is a job of its own, without any",
    held: "test/simulator/one-way.test.ts: an environment that is not named",
  },
  A16: {
    how: "not playable",
    why: "what a listing hides looks as if it were not there, so no answer of ours could differ; the certificate says by whose rights it was read",
  },
  A35: {
    how: "by the scenario",
    why: "a job that nobody shared with the tier's principal",
    held: "test/simulator/one-way.test.ts: a job of the same name that is hidden",
  },
  A37: {
    how: "not depended on",
    why: "what v1.12.1 does not declare is refused when the bundle is read, so that nothing else is ever sent",
    held: "test/bundle/findings.test.ts: error bundle/unknown-field",
  },
  A40: {
    how: "not playable",
    why: "with a person's name such a run is the same, to the last field, as one that the person started",
  },
  A42: {
    how: "not playable",
    why: "the conclusion of a step is the only sign of whether it ran: were it another, nothing would tell what was done from what was not",
  },
  A43: {
    how: "not depended on",
    why: "records are read from the list of Deployments by their task and payload, never from what an environment shows",
    held: "test/simulator/one-way.test.ts: a record that was set inactive",
  },
  A57: {
    how: "not depended on",
    why: "a run that is missed keeps the code that it began with: folders are written once, and those in use are kept",
    held: "test/promote-active.test.ts: keeps the code it began with",
  },
  A58: {
    how: "not playable",
    why: "our code does not ask who approved a rollback or an operation: that prod-ops is closed to other branches is checked, the review is GitHub's to hold (decision 762)",
  },
  A62: {
    how: "not playable",
    why: "a member that a group does not show looks like one that it does not have",
  },
  A63: {
    how: "by the scenario",
    why: "a location inside another",
    held: "simulator/scenarios/grants/location-inside-another.yml: another way to them",
  },
  A64: {
    how: "not playable",
    why: "what a listing hides looks as if it were not there; the certificate names the rights by which it was read",
  },
  A65: {
    how: "not depended on",
    why: "a right that a policy gives is reported whether it works already or is latent",
    held: "simulator/scenarios/grants/policy.yml: readers",
  },
  A68: {
    how: "not depended on",
    why: "the next start is a line of a summary; nothing is decided by it",
    held: "test/simulator/one-way.test.ts: the next start",
  },
  A76: {
    how: "by the scenario",
    why: "an object changed long ago, or now (`updated`)",
    held: "test/clean.test.ts: our own marks, grants and clean-ups are no use",
  },
  A92: {
    how: "by the scenario",
    why: "reads that lag behind a write (the fault `stale`), for a moment or for ever",
    held: "test/repair.test.ts: a change that does not show within a minute is an error",
  },
  A93: {
    how: "by the scenario",
    why: "a policy that names a principal by its application id, or by its display name",
    held: "simulator/scenarios/grants/policy-cross-tier-by-id.yml: by its application id",
  },
  A94: {
    how: "by the scenario",
    why: "a metastore of which nobody, `System user` or a name that this workspace does not list is the admin",
    held: "test/estate.test.ts: a metastore without an admin is no hole",
  },
  A95: {
    how: "not playable",
    why: "policies of other kinds of objects have no route that is documented, so nothing could be asked for them",
  },
  A97: {
    how: "not depended on",
    why: "the brief says it as a warning to whoever might repair a run; nothing is decided by it",
    held: "test/release/brief.test.ts: names failed runs that a repair would split",
  },
  A98: {
    how: "not playable",
    why: "a summary is drawn in a person's browser, and nothing reads it back; the same stands in words beside the picture",
  },
  A99: {
    how: "not playable",
    why: "it is an action of GitHub's, which is refused by name here; nothing waits for what it signs",
  },
  A103: {
    how: "not playable",
    why: "the action is GitHub's, and a stand-in is run here: where it fails, its job fails and nothing of ours runs after it",
  },
  A106: {
    how: "not playable",
    why: "what code scanning makes of a SARIF file is seen on its pages alone; the file is held against the standard's own schema",
  },
  A109: {
    how: "by the scenario",
    why: "rules that a job's token may not read (a fault of 403)",
    held: "test/keep.test.ts: whose rules cannot be read is unknown, which is no pass",
  },
  A110: {
    how: "by the scenario",
    why: "a file that is refused whatever is tried (a fault)",
    held: "test/keep.test.ts: as is what GitHub cannot take",
  },
  A111: {
    how: "not playable",
    why: "the action is GitHub's, and a stand-in is run here: what it does not find fails its job",
  },
  A113: {
    how: "by the scenario",
    why: "a branch that is not there under its name",
    held: "test/keep.test.ts: that is not there is not made",
  },
  A114: {
    how: "by the scenario",
    why: "a runner whose clock is two days off GitHub's",
    held: "test/release/decisions.test.ts: ends no soak: GitHub's tells the time",
  },
  A115: {
    how: "by the scenario",
    why: "an environment that was made as Prod",
    held: "test/release/gather.test.ts: names do not mind case",
  },
  A116: {
    how: "not playable",
    why: "pull requests that are not listed look as if there were none: the commit is refused, and no answer of ours could differ",
  },
};

/** What the facts leave open, by their section: the line that speaks of it, or why our code never comes to it. */
export const MARKS: readonly (readonly [section: string, open: string, stands: string])[] = [
  [
    "databricks-api 0.4, 11.1",
    "how big a workspace file may be",
    "files beyond 10 MB go up as a form, one by one; one that the service refuses stops the upload, and nothing was applied",
  ],
  ["databricks-api 1.1", "the body of an OAuth error", "A8"],
  ["databricks-api 2.1", "the header `x-request-id`", "A112"],
  ["databricks-api 3.3, 11.2", "a start of a paused continuous job", "A33"],
  ["databricks-api 3.4, 11.4", "a change of a continuous pipeline that runs", "A12"],
  ["databricks-api 4", "a retry as a new update", "A55"],
  [
    "databricks-api 4",
    "`target` becoming `schema`",
    "the service is told what the bundle says, and its refusal is shown as it is",
  ],
  ["databricks-api 4, 11.3", "status of a duplicate name, of a second update, of a stale change", "A11"],
  [
    "databricks-api 5",
    "rights on a job that changing its `run_as` needs",
    "the tier's principal owns its jobs, and `run_as` is left out where it is the default (A21)",
  ],
  ["databricks-api 5, 11.7", "naming oneself in `run_as`", "A21"],
  ["databricks-api 6", "a file where a notebook is", "A32"],
  ["databricks-api 8", "another owner", "A24"],
  ["databricks-api 8", "permissions for a principal that is not there", "A23"],
  [
    "databricks-api 11.5",
    "how long a continuous job with a pipeline task takes to end",
    "an end is watched until it is seen or the time is up",
  ],
  [
    "databricks-api 11.6",
    "the greatest page of events, and rate limits",
    "pages are followed to the last, whatever their size; 429 is waited out",
  ],
  ["github 1", "lockfiles of workflows", "the suite brings none; a caller's is GitHub's to read"],
  ["github 2", "`$/` from another repository", "A1"],
  ["github 2", "a place in a concurrency group before a review", "A20"],
  ["github 2, 3", "branch policies and approvals with `deployment: false`", "A2"],
  ["github 2", "secrets of an environment without `inherit`", "A3"],
  ["github 3", "environments of a private repository", "A4"],
  ["github 5", "the day from which `pull_request_target` is blocked", "no workflow of ours listens to it"],
  [
    "unity-catalog 1.8",
    "REFRESH on a streaming table",
    "privileges are an open list: what is granted is reported by its name, whatever it is on",
  ],
  [
    "unity-catalog 1.10",
    "the status of PRINCIPAL_DOES_NOT_EXIST",
    "a principal is looked up before a grant names it; a refusal is shown as it is",
  ],
  [
    "unity-catalog 2",
    "grants on models in `information_schema`",
    "they are read by REST, whichever reader reads the rest",
  ],
];
