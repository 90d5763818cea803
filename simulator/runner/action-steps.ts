/** How a step does its work: a script, a JavaScript action, or a stand-in for somebody's action. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type NodeAction, readAction } from "./action.ts";
import { resolveText, resolveTexts } from "./expressions.ts";
import type { JobExecution, StepBody } from "./job.ts";
import { type RunProcess, runProcess } from "./process.ts";
import { minutesOf } from "./schedule.ts";
import { type StandIn, standIn } from "./stand-ins/index.ts";
import { runStepProcess, type StepLog, type StepProcess } from "./step.ts";
import { UnmodelledError } from "./unmodelled.ts";
import type { StepModel } from "./workflow.ts";

/** A step with its action found; one of the workspace (`./`) is found only when its turn comes. */
export interface PreparedStep {
  readonly model: StepModel;
  readonly action: NodeAction | undefined;
  readonly standIn: StandIn | undefined;
  /** What a later step of the same action reads: GITHUB_STATE of pre and main. */
  readonly state: Record<string, string>;
}

interface Extra {
  readonly name: string;
  readonly condition: string;
  readonly run: (log: StepLog, signal: AbortSignal) => Promise<StepBody>;
}

const DONE: StepBody = { ok: true, cancelled: false, outputs: {}, summary: "" };

/** Runs the steps of one job, and keeps the post steps that they ask for. */
export class ActionSteps {
  readonly #job: JobExecution;
  /** In the order of the main steps; run in reverse. */
  readonly posts: Extra[] = [];

  constructor(job: JobExecution) {
    this.#job = job;
  }

  async prepare(model: StepModel): Promise<PreparedStep> {
    const state = {};
    const { uses } = model;
    if (uses === undefined || uses.startsWith("./")) return { model, action: undefined, standIn: undefined, state };
    if (uses.startsWith("$/")) {
      // The repository and commit of the file that holds the line (facts: github 2).
      const { repository, sha } = this.#job.request.workflow.origin;
      const dir = join(await this.#job.request.sources.folder(repository, sha), uses.slice(2));
      return { model, action: await readAction(dir, uses, { repository, ref: sha }), standIn: undefined, state };
    }
    const [name = "", ref = ""] = uses.split("@");
    const [owner = "", repo = "", ...path] = name.split("/");
    const repository = `${owner}/${repo}`;
    const replacement = standIn(repository);
    if (replacement !== undefined) return { model, action: undefined, standIn: replacement, state };
    const { sources } = this.#job.request;
    const sha = await sources.commit(repository, ref);
    if (sha === undefined) throw new Error(`Unable to resolve action \`${uses}\`, unable to find version \`${ref}\``);
    const dir = join(await sources.folder(repository, sha), ...path);
    return { model, action: await readAction(dir, uses, { repository, ref }), standIn: undefined, state };
  }

  pre(step: PreparedStep): Extra | undefined {
    const { action } = step;
    if (action?.pre === undefined) return undefined;
    const script = action.pre;
    return {
      name: step.model.uses ?? "",
      condition: action.preIf,
      run: (log, signal) => this.#node(step, action, script, log, signal),
    };
  }

  async main(step: PreparedStep, name: string, log: StepLog, signal: AbortSignal): Promise<StepBody> {
    if (step.model.run !== undefined) return this.#script(step.model, name, log, signal);
    if (step.standIn !== undefined) return this.#standIn(step.model, step.standIn, name, log);
    const { uses = "" } = step.model;
    const action = step.action ?? (await readAction(this.#job.inWorkspace(uses), uses, undefined));
    const script = action.post;
    if (script !== undefined) {
      this.posts.push({
        name,
        condition: action.postIf,
        run: (postLog, postSignal) => this.#node(step, action, script, postLog, postSignal),
      });
    }
    return this.#node(step, action, action.main, log, signal);
  }

  async #script(model: StepModel, name: string, log: StepLog, signal: AbortSignal): Promise<StepBody> {
    const job = this.#job;
    const env = resolveTexts(model.env, job.scope());
    const scope = job.scope(env);
    const { workflow, model: jobModel } = job.request;
    const shell = resolveText(model.shell ?? jobModel.defaults.shell ?? workflow.defaults.shell, scope);
    const folder = model.workingDirectory ?? jobModel.defaults.workingDirectory ?? workflow.defaults.workingDirectory;
    const text = resolveText(model.run, scope);
    const path = join(job.folders.temp, `${crypto.randomUUID()}.sh`);
    await writeFile(path, `${text}\n`, { mode: 0o700 });
    for (const line of text.trimEnd().split("\n")) log.add(`##[command]${line}`);
    const [command, args] = shellOf(shell, path);
    const cwd = job.inWorkspace(resolveText(folder, scope) || ".");
    return this.#process({ command, args, cwd, env: job.environment(env) }, model, name, log, signal, runProcess);
  }

  async #node(
    step: PreparedStep,
    action: NodeAction,
    script: string,
    log: StepLog,
    signal: AbortSignal,
  ): Promise<StepBody> {
    const job = this.#job;
    const env = resolveTexts(step.model.env, job.scope());
    const scope = job.scope(env);
    const given = resolveTexts(step.model.with, scope);
    const known = new Set(action.inputs.map((input) => input.id.toLowerCase()));
    for (const name of Object.keys(given)) {
      if (known.has(name.toLowerCase())) continue;
      const list = action.inputs.map((input) => `'${input.id}'`).join(", ");
      log.annotate("warning", `Unexpected input(s) '${name}', valid inputs are [${list}]`);
    }
    for (const input of action.inputs) {
      const isGiven = Object.keys(given).some((name) => name.toLowerCase() === input.id.toLowerCase());
      if (input.deprecation !== undefined && isGiven) {
        log.annotate("warning", `Input '${input.id}' has been deprecated with message: ${input.deprecation}`);
      }
    }
    const defaults = Object.fromEntries(
      action.inputs.flatMap((input) =>
        input.default === undefined ? [] : [[input.id.toLowerCase(), resolveText(input.default, scope)]],
      ),
    );
    const inputs = { ...defaults };
    for (const [name, value] of Object.entries(given)) inputs[name.toLowerCase()] = value;
    const variables: Record<string, string> = { ...env };
    for (const [name, value] of Object.entries(inputs)) variables[`INPUT_${inputName(name)}`] = value;
    for (const [name, value] of Object.entries(step.state)) variables[`STATE_${name}`] = value;
    variables["GITHUB_ACTION"] = step.model.id;
    if (action.repository !== undefined) variables["GITHUB_ACTION_REPOSITORY"] = action.repository;
    if (action.ref !== undefined) variables["GITHUB_ACTION_REF"] = action.ref;
    const process_: StepProcess = {
      command: process.execPath,
      args: [...job.request.nodeArguments, join(action.dir, script)],
      cwd: job.folders.workspace,
      env: job.environment(variables),
    };
    return this.#process(process_, step.model, action.name, log, signal, job.request.runNode, step.state);
  }

  async #process(
    step: StepProcess,
    model: StepModel,
    name: string,
    log: StepLog,
    signal: AbortSignal,
    run: RunProcess,
    state?: Record<string, string>,
  ): Promise<StepBody> {
    const job = this.#job;
    const minutes =
      model.timeoutMinutes === undefined ? undefined : minutesOf(resolveText(model.timeoutMinutes, job.scope()));
    const { ok, cancelled, files } = await runStepProcess(step, {
      name,
      temp: job.folders.temp,
      log,
      signal,
      timeoutMinutes: minutes,
      run,
    });
    Object.assign(job.env, files.env);
    job.paths.push(...files.path);
    if (state !== undefined) Object.assign(state, files.state);
    return { ok, cancelled, outputs: files.outputs, summary: files.summary };
  }

  async #standIn(model: StepModel, stand: StandIn, name: string, log: StepLog): Promise<StepBody> {
    const job = this.#job;
    const given = resolveTexts(model.with, job.scope(resolveTexts(model.env, job.scope())));
    const values = new Map(Object.entries(stand.inputs));
    for (const [input, value] of Object.entries(given)) {
      if (!values.has(input.toLowerCase())) throw new UnmodelledError(`input ${input} of ${model.uses ?? ""}`);
      values.set(input.toLowerCase(), value);
    }
    const result = await stand.run({
      world: job.request.github.world,
      run: job.request.record.run,
      apiUrl: job.request.github.apiUrl,
      workspace: job.folders.workspace,
      token: job.token,
      input: (input) => (values.get(input) ?? "").trim(),
      log: (line) => log.add(line),
    });
    for (const warning of result.warnings ?? []) log.annotate("warning", warning);
    const { post } = result;
    if (post !== undefined) {
      this.posts.push({
        name,
        condition: "always()",
        run: async () => {
          await post();
          return DONE;
        },
      });
    }
    return { ...DONE, outputs: result.outputs };
  }
}

/** `INPUT_` and this: upper case, blanks to underscores, hyphens kept (facts: github 1). */
function inputName(name: string): string {
  return name.replaceAll(" ", "_").toUpperCase();
}

/** How a script is run: what is not said is `bash -e`, what is said is stricter. */
function shellOf(shell: string, path: string): [command: string, args: readonly string[]] {
  switch (shell) {
    case "":
      return ["bash", ["-e", path]];
    case "bash":
      return ["bash", ["--noprofile", "--norc", "-eo", "pipefail", path]];
    case "sh":
      return ["sh", ["-e", path]];
    default:
      throw new UnmodelledError(`shell ${shell}`);
  }
}
