/** A workflow file as this runner needs it: GitHub's own parser reads and checks it, the rest is read from its tokens. */
import {
  convertWorkflowTemplate,
  isBasicExpression,
  isMapping,
  isScalar,
  isSequence,
  isString,
  NoOperationTraceWriter,
  parseWorkflow,
} from "@actions/workflow-parser";
import type { Step as TemplateStep, WorkflowTemplate } from "@actions/workflow-parser/model/workflow-template";
import type { MappingToken } from "@actions/workflow-parser/templates/tokens/mapping-token";
import type { TemplateToken } from "@actions/workflow-parser/templates/tokens/template-token";
import { everywhere, isScope, type Level, named, type Permissions, type Scope } from "../github/permissions.ts";
import { MODELLED } from "./modelled.ts";
import { UnmodelledError } from "./unmodelled.ts";

export type { TemplateToken } from "@actions/workflow-parser/templates/tokens/template-token";

/** Where a workflow file comes from. */
export interface FileOrigin {
  readonly repository: string;
  readonly sha: string;
  /** As it was named: `refs/heads/main` for an entry workflow, the text after `@` for a called one. */
  readonly ref: string;
  readonly path: string;
}

type InputType = "string" | "number" | "boolean" | "choice" | "environment";

/** An input as a workflow declares it. */
export interface InputDefinition {
  readonly type: InputType;
  readonly required: boolean;
  readonly default: TemplateToken | undefined;
  readonly options: readonly string[];
}

/** `defaults.run` of a workflow or job. */
interface Defaults {
  readonly shell: TemplateToken | undefined;
  readonly workingDirectory: TemplateToken | undefined;
}

interface JobBase {
  readonly id: string;
  readonly name: TemplateToken | undefined;
  readonly needs: readonly string[];
  readonly condition: string;
  readonly permissions: Permissions | undefined;
  readonly concurrency: TemplateToken | undefined;
  readonly strategy: TemplateToken | undefined;
  /** `(Line: 1, Col: 3)` of the job's key, for the service's messages. */
  readonly position: string;
}

/** A step as written. */
export interface StepModel {
  readonly id: string;
  readonly name: TemplateToken | undefined;
  readonly condition: string;
  readonly env: TemplateToken | undefined;
  readonly continueOnError: TemplateToken | undefined;
  readonly timeoutMinutes: TemplateToken | undefined;
  readonly uses: string | undefined;
  readonly with: TemplateToken | undefined;
  readonly run: TemplateToken | undefined;
  readonly shell: TemplateToken | undefined;
  readonly workingDirectory: TemplateToken | undefined;
}

/** A job with steps, as written. */
export interface StepsJob extends JobBase {
  readonly kind: "steps";
  readonly runsOn: TemplateToken | undefined;
  readonly env: TemplateToken | undefined;
  readonly environment: TemplateToken | undefined;
  readonly outputs: TemplateToken | undefined;
  readonly timeoutMinutes: TemplateToken | undefined;
  readonly defaults: Defaults;
  readonly steps: readonly StepModel[];
}

/** A job that calls a reusable workflow, as written. */
export interface CallJob extends JobBase {
  readonly kind: "call";
  readonly uses: string;
  readonly with: MappingToken | undefined;
  readonly secrets: MappingToken | "inherit" | undefined;
}

/** A job as written. */
export type JobModel = StepsJob | CallJob;

/** A workflow file as written. */
export interface WorkflowModel {
  readonly origin: FileOrigin;
  readonly name: string;
  readonly runName: TemplateToken | undefined;
  readonly events: WorkflowTemplate["events"];
  readonly permissions: Permissions | undefined;
  readonly env: TemplateToken | undefined;
  readonly defaults: Defaults;
  readonly concurrency: TemplateToken | undefined;
  /** Undefined: it cannot be called. */
  readonly call:
    | {
        readonly inputs: ReadonlyMap<string, InputDefinition>;
        readonly secrets: ReadonlyMap<string, { readonly required: boolean }>;
        readonly outputs: ReadonlyMap<string, TemplateToken>;
      }
    | undefined;
  readonly dispatchInputs: ReadonlyMap<string, InputDefinition>;
  readonly jobs: readonly JobModel[];
}

/** What GitHub says about a file it does not accept. */
export class InvalidWorkflow extends Error {
  readonly errors: readonly string[];
  constructor(errors: readonly string[]) {
    super(errors.join("\n"));
    this.errors = errors;
  }
}

type WorkflowText = Omit<WorkflowModel, "origin">;

/** By path and content: the same files are run again and again, each time from another commit. */
const known = new Map<string, WorkflowText>();

/** Parses and checks a workflow file; throws InvalidWorkflow as the service refuses it, UnmodelledError for what we lack. */
export async function readWorkflow(content: string, origin: FileOrigin): Promise<WorkflowModel> {
  const key = `${origin.path}\n${content}`;
  const text = known.get(key) ?? (await parse(content, origin.path));
  known.set(key, text);
  return { origin, ...text };
}

async function parse(content: string, path: string): Promise<WorkflowText> {
  const { context, value: root } = parseWorkflow({ name: path, content }, new NoOperationTraceWriter());
  const template = root === undefined ? undefined : await convertWorkflowTemplate(context, root);
  const errors = context.errors.getErrors().map((error) => error.message);
  if (errors.length > 0 || root === undefined || template === undefined) throw new InvalidWorkflow(errors);
  const mapping = root.assertMapping("workflow");
  const calls = child(mapping, "on", "workflow_call");
  const triggers = find(mapping, "on");
  refuseTriggers(triggers);
  const callable = template.events["workflow_call"] !== undefined;
  return {
    name: scalarText(find(mapping, "name")) ?? path,
    runName: find(mapping, "run-name"),
    events: template.events,
    permissions: permissionsOf(find(mapping, "permissions")),
    env: find(mapping, "env"),
    defaults: defaultsOf(find(mapping, "defaults")),
    concurrency: find(mapping, "concurrency"),
    call: callable
      ? {
          inputs: inputsOf(find(calls, "inputs")),
          secrets: new Map(
            entries(find(calls, "secrets")).map(([id, one]) => [id, { required: flag(find(one, "required")) }]),
          ),
          outputs: new Map(
            entries(find(calls, "outputs")).flatMap(([id, one]) => {
              const value = find(one, "value");
              return value === undefined ? [] : [[id, value] as const];
            }),
          ),
        }
      : undefined,
    dispatchInputs: inputsOf(find(find(triggers, "workflow_dispatch"), "inputs")),
    jobs: entries(find(mapping, "jobs")).map(([id, token, position]) => jobOf(id, token, position, template)),
  };
}

/** A file that listens to more than is modelled is refused whatever starts it: it would do less here than there. */
function refuseTriggers(triggers: TemplateToken | undefined): void {
  for (const [event, config] of eventsIn(triggers)) {
    if (!(`on: ${event}` in MODELLED)) throw new UnmodelledError(`event ${event}`);
    const modelled = (key: string): boolean =>
      `${event}: ${key}` in MODELLED || (event === "schedule" && key === "cron");
    const odd = configsOf(config)
      .flatMap((each) => entries(each))
      .find(([key]) => !modelled(key));
    if (odd !== undefined) throw new UnmodelledError(`on.${event}.${odd[0]}`);
  }
}

/** The events of `on:`, which is one name, a list of them, or a mapping. */
function eventsIn(triggers: TemplateToken | undefined): readonly (readonly [string, TemplateToken | undefined])[] {
  if (triggers === undefined) return [];
  if (isSequence(triggers)) return [...triggers].map((event) => [scalarText(event) ?? "", undefined]);
  const name = scalarText(triggers);
  return name === undefined ? entries(triggers).map(([event, config]) => [event, config]) : [[name, undefined]];
}

/** What an event is configured with: one mapping, and of a schedule a list of them. */
function configsOf(config: TemplateToken | undefined): readonly (TemplateToken | undefined)[] {
  return config !== undefined && isSequence(config) ? [...config] : [config];
}

function jobOf(id: string, token: TemplateToken, position: string, template: WorkflowTemplate): JobModel {
  const job = template.jobs.find((one) => one.id.value === id);
  if (job === undefined) throw new InvalidWorkflow([`Job '${id}' was not understood`]);
  for (const key of ["container", "services", "snapshot", "cancel-timeout-minutes"]) {
    if (find(token, key) !== undefined) throw new UnmodelledError(`jobs.${id}.${key}`);
  }
  const tolerant = find(token, "continue-on-error");
  if (tolerant !== undefined && scalarText(tolerant) !== "false") {
    throw new UnmodelledError(`jobs.${id}.continue-on-error`);
  }
  const base: JobBase = {
    id,
    name: find(token, "name"),
    needs: (job.needs ?? []).map((need) => need.value),
    condition: job.if.expression,
    permissions: permissionsOf(find(token, "permissions")),
    concurrency: find(token, "concurrency"),
    strategy: find(token, "strategy"),
    position,
  };
  if (job.type === "reusableWorkflowJob") {
    return {
      ...base,
      kind: "call",
      uses: job.ref.value,
      with: job["input-values"],
      secrets: job["inherit-secrets"] === true ? "inherit" : job["secret-values"],
    };
  }
  const tokens = find(token, "steps")?.assertSequence("steps");
  return {
    ...base,
    kind: "steps",
    runsOn: find(token, "runs-on"),
    env: find(token, "env"),
    environment: find(token, "environment"),
    outputs: find(token, "outputs"),
    timeoutMinutes: find(token, "timeout-minutes"),
    defaults: defaultsOf(find(token, "defaults")),
    steps: job.steps.map((step, index) => stepOf(id, step, tokens?.get(index))),
  };
}

function stepOf(job: string, step: TemplateStep, token: TemplateToken | undefined): StepModel {
  if (token === undefined || !("uses" in step || "run" in step)) {
    throw new UnmodelledError(`background steps (job ${job})`);
  }
  if (find(token, "background") !== undefined) throw new UnmodelledError(`background steps (job ${job})`);
  return {
    id: step.id,
    name: find(token, "name"),
    condition: step.if.expression,
    env: find(token, "env"),
    continueOnError: find(token, "continue-on-error"),
    timeoutMinutes: find(token, "timeout-minutes"),
    uses: "uses" in step ? step.uses.value : undefined,
    with: find(token, "with"),
    run: find(token, "run"),
    shell: find(token, "shell"),
    workingDirectory: find(token, "working-directory"),
  };
}

/** `read-all`, `write-all`, or scopes; a scope that the service knows and we do not is refused. */
function permissionsOf(token: TemplateToken | undefined): Permissions | undefined {
  if (token === undefined) return undefined;
  if (isString(token)) return everywhere(token.value === "write-all" ? "write" : "read");
  const levels: Partial<Record<Scope, Level>> = {};
  for (const [scope, value] of entries(token)) {
    if (!isScope(scope)) throw new UnmodelledError(`permission ${scope}`);
    const level = scalarText(value);
    if (level !== "none" && level !== "read" && level !== "write") throw new UnmodelledError(`permission ${level}`);
    levels[scope] = level;
  }
  return named(levels);
}

function inputsOf(token: TemplateToken | undefined): ReadonlyMap<string, InputDefinition> {
  return new Map(
    entries(token).map(([id, one]) => {
      const type = scalarText(find(one, "type")) ?? "string";
      if (!isInputType(type)) throw new UnmodelledError(`input type ${type}`);
      const options = find(one, "options");
      return [
        id,
        {
          type,
          required: flag(find(one, "required")),
          default: find(one, "default"),
          options:
            options === undefined || !isSequence(options) ? [] : [...options].map((option) => scalarText(option) ?? ""),
        },
      ];
    }),
  );
}

function isInputType(type: string): type is InputType {
  return ["string", "number", "boolean", "choice", "environment"].includes(type);
}

function defaultsOf(token: TemplateToken | undefined): Defaults {
  const run = find(token, "run");
  return { shell: find(run, "shell"), workingDirectory: find(run, "working-directory") };
}

function flag(token: TemplateToken | undefined): boolean {
  return scalarText(token) === "true";
}

function scalarText(token: TemplateToken | undefined): string | undefined {
  return token !== undefined && isScalar(token) ? token.toString() : undefined;
}

/** A key of a mapping; undefined for anything else, null values included. */
export function find(token: TemplateToken | undefined, key: string): TemplateToken | undefined {
  if (token === undefined || !isMapping(token) || isBasicExpression(token)) return undefined;
  return token.find(key);
}

function child(token: TemplateToken, ...keys: readonly string[]): TemplateToken | undefined {
  return keys.reduce<TemplateToken | undefined>((found, key) => find(found, key), token);
}

/** The keys and values of a mapping, in order, with the place of each key. */
export function entries(token: TemplateToken | undefined): readonly [string, TemplateToken, string][] {
  if (token === undefined || !isMapping(token)) return [];
  return [...token].map(({ key, value }) => [key.toString(), value, `(Line: ${key.line ?? 0}, Col: ${key.col ?? 0})`]);
}
