/** What starts a run: which commit and ref it is for, which workflow file it reads, what the payload says. */
import type { EventsConfig } from "@actions/workflow-parser/model/workflow-template";
import * as git from "../github/git.ts";
import { pullNumber, refresh } from "../github/people.ts";
import { Shapes } from "../github/shapes.ts";
import { matchesPattern } from "../github/text.ts";
import type { Pull, World } from "../github/world.ts";
import type { Dictionary, Value } from "./expressions.ts";
import { UnmodelledError } from "./unmodelled.ts";

/** The event that is to happen. */
export interface DispatchOptions {
  /** `push`, `pull_request`, `merge_group`, `workflow_dispatch`, `schedule`. */
  readonly event: string;
  /** The workflow file in the run's repository, such as `.github/workflows/promote.yml`. */
  readonly workflow: string;
  /** `refs/heads/…` or a branch; default: the default branch. Not for pull requests. */
  readonly ref?: string;
  readonly actor: string;
  /** For `workflow_dispatch`. */
  readonly inputs?: Readonly<Record<string, string | number | boolean>>;
  /** The number of a pull request that was opened before; for `pull_request` and `merge_group`. */
  readonly pullRequest?: number;
  /** What happened to the pull request: the payload's `action`. Default: synchronize. */
  readonly action?: "opened" | "synchronize" | "reopened" | "closed" | "labeled" | "unlabeled";
  /** The label that was set or taken away. */
  readonly label?: string;
}

/** An event with everything the service derives from it. */
export interface Trigger {
  readonly event: string;
  readonly workflow: string;
  readonly actor: string;
  readonly ref: string;
  /** `github.sha`, and the commit whose workflow file runs. */
  readonly sha: string;
  readonly headBranch: string;
  readonly headSha: string;
  readonly headOwner: string;
  readonly headRef: string;
  readonly baseRef: string;
  readonly pull: Pull | undefined;
  /** The payload's `action`; undefined for events that have only one kind. */
  readonly action: string | undefined;
  readonly title: string;
  readonly payload: Dictionary;
  readonly inputs: Readonly<Record<string, string | number | boolean>>;
  readonly changed: readonly string[];
}

/** A pull request of a fork or of Dependabot: no secrets, a reading token, no OIDC (facts: github 4, 5). */
export function isUntrusted(world: World, trigger: Trigger): boolean {
  return trigger.event === "pull_request" && (trigger.headOwner !== world.owner || trigger.actor === "dependabot[bot]");
}

/** Resolves an event against the repository; throws Error if it cannot have happened. */
export async function triggerOf(world: World, apiUrl: string, options: DispatchOptions): Promise<Trigger> {
  const shapes = new Shapes(world, apiUrl);
  const common = {
    repository: json(shapes.repository()),
    sender: json(shapes.user(options.actor)),
  };
  if (options.event === "pull_request") return pullRequest(world, shapes, options, common);
  if (options.event === "merge_group") return mergeGroup(world, options, common);
  const branch = options.ref ?? world.scenario.default_branch;
  const ref = branch.startsWith("refs/") ? branch : `refs/heads/${branch}`;
  const sha = await git.resolveCommit(world.dir, ref);
  if (sha === undefined) throw new Error(`The repository has no ${ref}`);
  const commit = await git.commit(world.dir, sha);
  const before = commit?.parents[0] ?? "0".repeat(40);
  const base = {
    event: options.event,
    workflow: options.workflow,
    actor: options.actor,
    ref,
    sha,
    headBranch: ref.replace(/^refs\/(heads|tags)\//, ""),
    headSha: sha,
    headOwner: world.owner,
    headRef: "",
    baseRef: "",
    pull: undefined,
    action: undefined,
    title: commit?.message.split("\n")[0] ?? "",
    inputs: options.inputs ?? {},
    changed: [],
  };
  switch (options.event) {
    case "push": {
      const known = commit?.parents[0];
      const changed =
        known === undefined ? [] : (await git.changedFiles(world.dir, known, sha)).map((file) => file.path);
      const list = known === undefined ? [] : (await git.commits(world.dir, [`${known}..${sha}`])).toReversed();
      const short = list.map((one) => ({ id: one.sha, message: one.message, timestamp: one.committer.date }));
      const payload = { ...common, ref, before, after: sha, commits: short, head_commit: short.at(-1) ?? null };
      return { ...base, changed, payload };
    }
    case "workflow_dispatch": {
      const inputs = Object.fromEntries(Object.entries(base.inputs).map(([name, value]) => [name, String(value)]));
      return { ...base, payload: { ...common, ref, workflow: options.workflow, inputs } };
    }
    case "schedule":
      return { ...base, payload: { ...common, schedule: "0 0 * * *" } };
    default:
      throw new UnmodelledError(`event ${options.event}`);
  }
}

async function pullRequest(
  world: World,
  shapes: Shapes,
  options: DispatchOptions,
  common: Dictionary,
): Promise<Trigger> {
  if (options.pullRequest === undefined) throw new Error("A pull_request event needs the number of a pull request");
  const pull = pullNumber(world, options.pullRequest);
  if (pull.merged === undefined) await refresh(world, pull);
  if (pull.mergeSha === undefined)
    throw new Error(`Pull request ${pull.number} has conflicts: no workflow runs for it`);
  const changed = (await git.changedFiles(world.dir, pull.baseSha, pull.mergeSha)).map((file) => file.path);
  const action = options.action ?? "synchronize";
  return {
    event: "pull_request",
    workflow: options.workflow,
    actor: options.actor,
    ref: `refs/pull/${pull.number}/merge`,
    sha: pull.mergeSha,
    headBranch: pull.headBranch,
    headSha: pull.headSha,
    headOwner: pull.headOwner,
    headRef: pull.headBranch,
    baseRef: pull.base,
    pull,
    action,
    title: pull.title,
    payload: {
      ...common,
      action,
      number: pull.number,
      pull_request: json(shapes.pull(pull)),
      ...(options.label === undefined ? {} : { label: { name: options.label } }),
    },
    inputs: {},
    changed,
  };
}

/** The merge queue tests a commit of its own, on a branch of its own. */
async function mergeGroup(world: World, options: DispatchOptions, common: Dictionary): Promise<Trigger> {
  if (options.pullRequest === undefined) throw new Error("A merge_group event needs the number of a pull request");
  const pull = pullNumber(world, options.pullRequest);
  await refresh(world, pull);
  const sha = pull.mergeSha;
  if (sha === undefined) throw new Error(`Pull request ${pull.number} has conflicts: it leaves the queue`);
  const ref = `refs/heads/gh-readonly-queue/${pull.base}/pr-${pull.number}-${pull.baseSha}`;
  await git.git(world.dir, ["update-ref", ref, sha]);
  const group = {
    head_sha: sha,
    head_ref: ref,
    base_sha: pull.baseSha,
    base_ref: `refs/heads/${pull.base}`,
  };
  return {
    event: "merge_group",
    workflow: options.workflow,
    actor: options.actor,
    ref,
    sha,
    headBranch: ref.slice("refs/heads/".length),
    headSha: sha,
    headOwner: world.owner,
    headRef: "",
    baseRef: "",
    pull: undefined,
    action: "checks_requested",
    title: pull.title,
    payload: { ...common, action: "checks_requested", merge_group: group },
    inputs: {},
    changed: [],
  };
}

/** Why a workflow does not run for an event; undefined if it does. */
export function notListening(events: EventsConfig, trigger: Trigger): string | undefined {
  const config = events[trigger.event] as Filters | undefined;
  if (config === undefined) return `it does not listen to ${trigger.event}`;
  for (const name of ["branches", "tags", "paths"] as const) checkPatterns(config[name], config[`${name}-ignore`]);
  const refused = refFilters(config, trigger);
  if (refused !== undefined) return refused;
  const { action } = trigger;
  // facts: github 1: without types a pull request starts runs when it is opened, reopened or gets commits
  const types = config.types ?? (trigger.event === "pull_request" ? ["opened", "synchronize", "reopened"] : undefined);
  if (types !== undefined && action !== undefined && !types.includes(action)) {
    return `its types do not include ${action}`;
  }
  const { paths, "paths-ignore": ignored } = config;
  if (paths !== undefined || ignored !== undefined) {
    if (!trigger.changed.some((path) => passes(path, paths, ignored))) return "its paths are not touched";
  }
  return undefined;
}

/** Branches and tags are filtered each by their own; where only the other kind is filtered, nothing of this kind runs. */
function refFilters(config: Filters, trigger: Trigger): string | undefined {
  const kind = trigger.ref.startsWith("refs/tags/") ? "tags" : "branches";
  const other = kind === "tags" ? "branches" : "tags";
  const name = trigger.event === "pull_request" ? trigger.baseRef : trigger.ref.replace(/^refs\/(heads|tags)\//, "");
  const filtered = (of: "tags" | "branches"): boolean =>
    config[of] !== undefined || config[`${of}-ignore`] !== undefined;
  if (!filtered(kind) && filtered(other)) return `it listens to ${other} only`;
  if (!passes(name, config[kind], config[`${kind}-ignore`])) return `its ${kind} do not include ${name}`;
  return undefined;
}

interface Filters {
  readonly branches?: string[];
  readonly "branches-ignore"?: string[];
  readonly tags?: string[];
  readonly "tags-ignore"?: string[];
  readonly paths?: string[];
  readonly "paths-ignore"?: string[];
  readonly types?: string[];
}

/** Refuses by name the patterns that are not modelled, whatever the event brings. */
function checkPatterns(include: string[] | undefined, exclude: string[] | undefined): void {
  const odd = [...(include ?? []), ...(exclude ?? [])].find((pattern) => /[?+[\]\\]/.test(pattern));
  if (odd !== undefined) throw new UnmodelledError(`the filter pattern ${odd}`);
  if (include !== undefined && exclude !== undefined) throw new UnmodelledError("a filter beside its own -ignore");
  const takes = (pattern: string): boolean => pattern.startsWith("!");
  if (exclude?.some(takes) === true || include?.every(takes) === true)
    throw new UnmodelledError("a filter that only takes away");
}

/** The last pattern that matches decides; `!` takes away. */
function passes(name: string, include: string[] | undefined, exclude: string[] | undefined): boolean {
  if (exclude !== undefined) return !exclude.some((pattern) => matchesPattern(pattern, name));
  if (include === undefined) return true;
  let result = false;
  for (const pattern of include) {
    if (pattern.startsWith("!")) {
      if (matchesPattern(pattern.slice(1), name)) result = false;
    } else if (matchesPattern(pattern, name)) result = true;
  }
  return result;
}

/** An answer of the API, as the plain JSON that a payload holds. */
function json(value: unknown): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
