/** An action's metadata, read with GitHub's own parser: JavaScript actions are run, all others refused by name. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NoOperationTraceWriter } from "@actions/workflow-parser";
import { parseAction } from "@actions/workflow-parser/actions/action-parser";
import { convertActionTemplate } from "@actions/workflow-parser/actions/action-template";
import { UnmodelledError } from "./unmodelled.ts";
import { entries, find, type TemplateToken } from "./workflow.ts";

interface ActionInput {
  readonly id: string;
  readonly required: boolean;
  readonly default: TemplateToken | undefined;
  readonly deprecation: string | undefined;
}

/** A JavaScript action, read from its metadata. */
export interface NodeAction {
  readonly dir: string;
  readonly name: string;
  readonly inputs: readonly ActionInput[];
  readonly main: string;
  readonly pre: string | undefined;
  readonly preIf: string;
  readonly post: string | undefined;
  readonly postIf: string;
  /** `owner/repo` and ref, as GITHUB_ACTION_REPOSITORY and _REF; undefined for one in the workspace. */
  readonly repository: string | undefined;
  readonly ref: string | undefined;
}

/** What its file says. */
type Metadata = Omit<NodeAction, "dir" | "repository" | "ref">;

/** By name and content: jobs run the same few actions again and again. */
const known = new Map<string, Metadata>();

const INPUT_KEYS: readonly string[] = ["description", "required", "default", "deprecationMessage"];

/** Reads `action.yml` of a folder; throws Error as the service fails the job that names it. */
export async function readAction(
  dir: string,
  named: string,
  from: { readonly repository: string; readonly ref: string } | undefined,
): Promise<NodeAction> {
  const file = ["action.yml", "action.yaml"].map((name) => join(dir, name)).find((path) => existsSync(path));
  if (file === undefined) {
    throw new Error(`Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action '${named}'.`);
  }
  const content = await readFile(file, "utf8");
  const key = `${named}\n${content}`;
  const metadata = known.get(key) ?? parse(content, named);
  known.set(key, metadata);
  return { ...metadata, dir, repository: from?.repository, ref: from?.ref };
}

function parse(content: string, named: string): Metadata {
  const { context, value } = parseAction({ name: named, content }, new NoOperationTraceWriter());
  const template = value === undefined ? undefined : convertActionTemplate(context, value);
  const errors = context.errors.getErrors().map((error) => error.message);
  if (errors.length > 0 || template === undefined)
    throw new Error(`Failed to load ${named}/action.yml: ${errors.join("; ")}`);
  // The parser lets any key of an input pass.
  for (const [id, input] of entries(find(value, "inputs"))) {
    const unknown = entries(input).find(([key]) => !INPUT_KEYS.includes(key));
    if (unknown !== undefined) throw new UnmodelledError(`inputs.${id}.${unknown[0]} (action ${named})`);
  }
  const { runs } = template;
  if (runs.using === "composite" || runs.using === "docker") throw new UnmodelledError(`${runs.using} action ${named}`);
  if (runs.using !== "node24") throw new UnmodelledError(`runs.using: ${runs.using} (action ${named})`);
  return {
    name: template.name,
    inputs: (template.inputs ?? []).map((input) => ({
      id: input.id,
      required: input.required ?? false,
      default: input.default,
      deprecation: input.deprecationMessage,
    })),
    main: runs.main,
    pre: runs.pre,
    preIf: runs.preIf ?? "always()",
    post: runs.post,
    postIf: runs.postIf ?? "always()",
  };
}
