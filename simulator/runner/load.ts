/**
 * What the service checks before a run starts: every called workflow is found, may be called, gets what it needs and
 * asks for no more than its caller grants. Whatever fails here fails the run, not just the call (facts: github 2).
 */
import { everywhere, excess, intersect, type Permissions, repositoryDefault } from "../github/permissions.ts";
import type { ReferencedWorkflow } from "../github/world.ts";
import type { Sources } from "./sources.ts";
import { isStandIn } from "./stand-ins/index.ts";
import { UnmodelledError } from "./unmodelled.ts";
import {
  type CallJob,
  entries,
  type FileOrigin,
  InvalidWorkflow,
  type JobModel,
  readWorkflow,
  type WorkflowModel,
} from "./workflow.ts";

/** A workflow with what its jobs call. */
export interface LoadedWorkflow {
  readonly model: WorkflowModel;
  readonly called: ReadonlyMap<string, LoadedWorkflow>;
}

interface LoadOptions {
  readonly sources: Sources;
  readonly defaultPermissions: "read" | "write";
}

interface Loaded {
  readonly workflow: LoadedWorkflow | undefined;
  readonly referenced: readonly ReferencedWorkflow[];
  readonly errors: readonly string[];
}

/** The caller and nine below it; 50 files in all (facts: github 2, Limits). */
const MAX_DEPTH = 10;
const MAX_WORKFLOWS = 50;

/** Loads an entry workflow with everything it calls. Throws UnmodelledError; what GitHub refuses comes back as errors. */
export async function load(entry: FileOrigin, options: LoadOptions): Promise<Loaded> {
  const loader = new Loader(options);
  try {
    const workflow = await loader.entry(entry);
    return {
      workflow: loader.errors.length > 0 ? undefined : workflow,
      referenced: loader.list(),
      errors: loader.errors,
    };
  } catch (error) {
    if (!(error instanceof InvalidWorkflow)) throw error;
    return { workflow: undefined, referenced: loader.list(), errors: [...loader.errors, ...error.errors] };
  }
}

/** What a job's token may do: its own words, else its file's, else what its caller granted. */
export function permissionsOf(
  model: WorkflowModel,
  job: JobModel,
  granted: Permissions | undefined,
  setting: "read" | "write",
): Permissions {
  const asked = job.permissions ?? model.permissions ?? granted ?? repositoryDefault(setting);
  return intersect(asked, granted ?? everywhere("write"));
}

class Loader {
  readonly errors: string[] = [];
  readonly #options: LoadOptions;
  readonly #referenced = new Map<string, ReferencedWorkflow>();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  list(): readonly ReferencedWorkflow[] {
    return [...this.#referenced.values()];
  }

  async entry(origin: FileOrigin): Promise<LoadedWorkflow> {
    return this.#below(await this.#read(origin), undefined, 1);
  }

  async #read(origin: FileOrigin): Promise<WorkflowModel> {
    const text = await this.#options.sources.file(origin.repository, origin.sha, origin.path);
    if (text === undefined) throw new InvalidWorkflow([`${origin.path}: workflow was not found at ${origin.sha}`]);
    return readWorkflow(text, origin);
  }

  async #below(model: WorkflowModel, granted: Permissions | undefined, depth: number): Promise<LoadedWorkflow> {
    const called = new Map<string, LoadedWorkflow>();
    for (const job of model.jobs) {
      if (job.kind === "steps") {
        for (const step of job.steps) if (step.uses !== undefined) checkUses(step.uses, this.#options.sources);
        continue;
      }
      const callee = await this.#call(model, job, granted, depth);
      if (callee !== undefined) called.set(job.id, callee);
    }
    return { model, called };
  }

  async #call(
    caller: WorkflowModel,
    job: CallJob,
    granted: Permissions | undefined,
    depth: number,
  ): Promise<LoadedWorkflow | undefined> {
    const refuse = (why: string): undefined => {
      this.errors.push(`The workflow is not valid. ${caller.origin.path} ${job.position}: ${why}`);
    };
    if (depth >= MAX_DEPTH)
      return refuse(`job ${job.id}: reusable workflows are nested more than ${MAX_DEPTH} levels deep`);
    const origin = await this.#origin(caller.origin, job.uses);
    if (origin === undefined) return refuse(`error parsing called workflow "${job.uses}": workflow was not found.`);
    const model = await this.#read(origin);
    this.#remember(caller.origin, job.uses, origin);
    if (this.#referenced.size >= MAX_WORKFLOWS) return refuse(`more than ${MAX_WORKFLOWS} workflows are referenced`);
    if (model.call === undefined) {
      return refuse(
        `error parsing called workflow "${job.uses}": workflow is not reusable as it is missing a \`on.workflow_call\` trigger`,
      );
    }
    const allowed = permissionsOf(caller, job, granted, this.#options.defaultPermissions);
    checkPermissions(model, job, allowed).forEach(refuse);
    checkArguments(model.call, job).forEach(refuse);
    return this.#below(model, allowed, depth + 1);
  }

  /** Which file a job-level `uses` names; `./` and `$/` are the caller's own repository and commit. */
  async #origin(caller: FileOrigin, uses: string): Promise<FileOrigin | undefined> {
    const own = /^(?:\.|\$)\/(\.github\/workflows\/[^/@]+\.ya?ml)$/.exec(uses);
    if (own?.[1] !== undefined) return { ...caller, path: own[1] };
    const other = /^([\w.-]+\/[\w.-]+)\/(\.github\/workflows\/[^/@]+\.ya?ml)@(.+)$/.exec(uses);
    if (other === null) return undefined;
    const [, repository = "", path = "", ref = ""] = other;
    const { sources } = this.#options;
    if (!sources.has(repository)) {
      throw new UnmodelledError(`the repository ${repository} (give it a directory to be found in)`);
    }
    const sha = await sources.commit(repository, ref);
    return sha === undefined ? undefined : { repository, sha, ref, path };
  }

  #remember(caller: FileOrigin, uses: string, origin: FileOrigin): void {
    const path = uses.includes("@") ? uses : `${origin.repository}/${origin.path}@${caller.sha}`;
    const byRef = uses.includes("@") && origin.ref !== origin.sha;
    this.#referenced.set(path, { path, sha: origin.sha, ...(byRef ? { ref: origin.ref } : {}) });
  }
}

function checkPermissions(model: WorkflowModel, job: CallJob, allowed: Permissions): string[] {
  const call = `Error calling workflow '${job.uses}'.`;
  const said = (who: string, asked: Permissions | undefined): string[] => {
    const over = asked === undefined ? undefined : excess(asked, allowed);
    if (over === undefined) return [];
    return [`${call} The ${who} is requesting '${over.requesting}', but is only allowed '${over.allowed}'.`];
  };
  // A nested job that is itself a call is checked with its callee; one that is skipped is checked all the same.
  return [
    ...said("workflow", model.permissions),
    ...model.jobs.flatMap((nested) => said(`nested job '${nested.id}'`, nested.permissions)),
  ];
}

function checkArguments(call: NonNullable<WorkflowModel["call"]>, job: CallJob): string[] {
  const given = new Set(entries(job.with).map(([name]) => name.toLowerCase()));
  const known = new Set([...call.inputs.keys()].map((name) => name.toLowerCase()));
  const problems = [
    ...[...given]
      .filter((name) => !known.has(name))
      .map((name) => `Invalid input, ${name} is not defined in the referenced workflow.`),
    ...[...call.inputs]
      .filter(([name, input]) => input.required && input.default === undefined && !given.has(name.toLowerCase()))
      .map(([name]) => `Input ${name} is required, but not provided while calling.`),
  ];
  if (job.secrets === "inherit") return problems;
  const secrets = new Set(entries(job.secrets).map(([name]) => name.toLowerCase()));
  const declared = new Set([...call.secrets.keys()].map((name) => name.toLowerCase()));
  return [
    ...problems,
    ...[...secrets]
      .filter((name) => !declared.has(name))
      .map((name) => `Invalid secret, ${name} is not defined in the referenced workflow.`),
    ...[...call.secrets]
      .filter(([name, secret]) => secret.required && !secrets.has(name.toLowerCase()))
      .map(([name]) => `Secret ${name} is required, but not provided while calling.`),
  ];
}

/** A step may use an action of its own repository, of a repository we were given, or one that we stand in for. */
function checkUses(uses: string, sources: Sources): void {
  if (uses.startsWith("./")) return;
  if (uses.startsWith("$/")) {
    if (uses === "$/" || uses.includes("@")) throw new InvalidWorkflow([`'${uses}' is no reference to an action`]);
    return;
  }
  const [name = "", ref] = uses.split("@");
  if (ref === undefined || uses.startsWith("docker://")) throw new UnmodelledError(`action ${uses}`);
  const repository = name.split("/").slice(0, 2).join("/");
  // a stand-in is the action at the repository's root, as its newer versions are
  if (isStandIn(repository) && (name !== repository || /^v[1-3](\.|$)/.test(ref)))
    throw new UnmodelledError(`action ${uses}`);
  if (!isStandIn(repository) && !sources.has(repository)) throw new UnmodelledError(`action ${uses}`);
}
