/** The workflow files of this repository and of its examples, as data. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { parse } from "yaml";

export const ROOT = join(import.meta.dirname, "../..");
export const OURS = join(ROOT, ".github/workflows");

const Step = v.looseObject({
  uses: v.optional(v.string()),
  run: v.optional(v.string()),
  with: v.optional(v.record(v.string(), v.unknown()), {}),
});
const Permissions = v.optional(v.union([v.string(), v.record(v.string(), v.string())]));
const Job = v.looseObject({
  name: v.optional(v.string()),
  uses: v.optional(v.string()),
  needs: v.optional(v.union([v.string(), v.array(v.string())])),
  environment: v.optional(
    v.union([
      v.string(),
      v.looseObject({ name: v.string(), deployment: v.optional(v.union([v.boolean(), v.string()])) }),
    ]),
  ),
  permissions: Permissions,
  secrets: v.optional(v.union([v.string(), v.record(v.string(), v.string())])),
  "timeout-minutes": v.optional(v.number()),
  "runs-on": v.optional(v.string()),
  outputs: v.optional(v.record(v.string(), v.string()), {}),
  steps: v.optional(v.array(Step), []),
});
const Workflow = v.looseObject({
  name: v.string(),
  on: v.record(v.string(), v.unknown()),
  permissions: Permissions,
  jobs: v.record(v.string(), Job),
});
export type Workflow = v.InferOutput<typeof Workflow>;
export type Job = v.InferOutput<typeof Job>;

interface WorkflowFile {
  readonly name: string;
  readonly text: string;
}

export const read = (path: string): string => readFileSync(path, "utf8");
export const workflowOf = (text: string): Workflow => v.parse(Workflow, parse(text));

const all = readdirSync(OURS)
  .filter((name) => /\.ya?ml$/.test(name))
  .map((name): WorkflowFile => ({ name, text: read(join(OURS, name)) }));

const isCalled = ({ text }: WorkflowFile): boolean => "workflow_call" in workflowOf(text).on;

/** Those that others call: the interface. */
export const shipped = all.filter(isCalled);
/** Those that only this repository runs: ci, release. */
export const own = all.filter((file) => !isCalled(file));
/** Those that a team copies into its repository and that call ours. */
export const callers = readdirSync(join(ROOT, "examples"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.github\/workflows\/[^/]+\.ya?ml$/.test(name))
  .map((name): WorkflowFile => ({ name, text: read(join(ROOT, "examples", name)) }));
