// Keeps the tables of docs/actions/*.md, docs/workflows.md, docs/contract.md and docs/findings.md equal to the action.yml and
// workflow files, the schema and the sources that they describe.
//   --write  makes them again      --check  fails if they are stale, or if a description is missing
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { parse } from "yaml";
import { AREAS, findingIds } from "./findings.ts";

const check = process.argv.includes("--check");
const problems: string[] = [];

const described = v.object({ description: v.pipe(v.string(), v.nonEmpty()) });
const input = v.object({
  ...described.entries,
  required: v.optional(v.boolean(), false),
  default: v.optional(v.union([v.string(), v.boolean(), v.number()])),
  type: v.optional(v.string()),
});
const actionFile = v.object({
  name: v.string(),
  description: v.pipe(v.string(), v.nonEmpty()),
  inputs: v.optional(v.record(v.string(), input), {}),
  outputs: v.optional(v.record(v.string(), described), {}),
  runs: v.object({ using: v.literal("node24"), main: v.string() }),
});
/** What the contract's page needs of a JSON Schema; `$ref` is not followed, a described node is enough. */
type SchemaNode = {
  description?: string | undefined;
  properties?: Record<string, SchemaNode> | undefined;
  items?: SchemaNode | undefined;
  additionalProperties?: SchemaNode | boolean | undefined;
};
const schemaNode: v.GenericSchema<unknown, SchemaNode> = v.object({
  description: v.optional(v.string()),
  properties: v.optional(
    v.record(
      v.string(),
      v.lazy(() => schemaNode),
    ),
  ),
  items: v.optional(v.lazy(() => schemaNode)),
  additionalProperties: v.optional(v.union([v.boolean(), v.lazy(() => schemaNode)])),
});

const workflowFile = v.object({
  name: v.string(),
  jobs: v.record(
    v.string(),
    v.object({
      environment: v.optional(v.object({ name: v.string() })),
      permissions: v.optional(v.record(v.string(), v.string()), {}),
    }),
  ),
  on: v.object({
    workflow_call: v.optional(
      v.nullable(
        v.object({
          inputs: v.optional(v.record(v.string(), input), {}),
          outputs: v.optional(v.record(v.string(), described), {}),
          secrets: v.optional(v.record(v.string(), described), {}),
        }),
      ),
    ),
  }),
});

for (const folder of readdirSync(".").filter((name) => name.startsWith("action-"))) {
  const file = join(folder, "action.yml");
  if (!existsSync(file)) {
    problems.push(`${folder} has no action.yml`);
    continue;
  }
  const action = read(actionFile, file);
  if (action === undefined) continue;
  const page = join("docs", "actions", `${folder}.md`);
  replace(page, "inputs", inputTable(action.inputs));
  replace(page, "outputs", outputTable(action.outputs));
}

const workflows = join(".github", "workflows");
for (const name of existsSync(workflows) ? readdirSync(workflows) : []) {
  const file = join(workflows, name);
  const text = readFileSync(file, "utf8");
  if (!/^ {2}workflow_call:/m.test(text)) continue;
  const workflow = read(workflowFile, file);
  const call = workflow?.on.workflow_call;
  if (workflow === undefined || call === undefined || call === null) continue;
  const parts = [
    `**Jobs**\n\n${jobTable(workflow.jobs)}`,
    `**Inputs**\n\n${inputTable(call.inputs)}`,
    Object.keys(call.secrets).length > 0 ? `**Secrets**\n\n${outputTable(call.secrets, "Secret")}` : "",
    Object.keys(call.outputs).length > 0 ? `**Outputs**\n\n${outputTable(call.outputs)}` : "",
  ];
  replace(join("docs", "workflows.md"), name, parts.filter((part) => part !== "").join("\n\n"));
}

const explained = ["docs", join("docs", "actions"), join("docs", "guides")].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md") && name !== "findings.md")
    .map((name) => ({
      page: join(folder, name).replace(/^docs./, ""),
      text: readFileSync(join(folder, name), "utf8"),
    })),
);
const ids = findingIds();
for (const { id } of ids)
  if (AREAS[id.split("/", 1)[0] ?? ""] === undefined) problems.push(`${id}: its area is not in scripts/findings.ts`);
const sections = Object.entries(AREAS).flatMap(([area, about]) => {
  const rows = ids
    .filter(({ id }) => id.startsWith(`${area}/`))
    .map(({ id, files }) => [
      `\`${id}\``,
      files.map((file) => `[${file.replace(/^src\//, "")}](../${file})`).join(", "),
      explained
        .filter(({ text }) => text.includes(`\`${id}\``))
        .map(({ page }) => `[${page.replace(/\.md$/, "")}](${page})`)
        .join(", "),
    ]);
  return rows.length === 0 ? [] : [`## ${area}\n\n${about}.\n\n${markdownTable(["id", "arises in", "more"], rows)}`];
});
replace(join("docs", "findings.md"), "ids", sections.join("\n\n"));

const schemaFile = "four-tier.schema.json";
if (existsSync(schemaFile)) {
  const rows: string[][] = [];
  collect(v.parse(schemaNode, JSON.parse(readFileSync(schemaFile, "utf8"))), "", rows);
  replace(join("docs", "contract.md"), "keys", markdownTable(["Key", "What it is"], rows));
}

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exitCode = 1;
}

function read<const Schema extends v.GenericSchema>(schema: Schema, file: string): v.InferOutput<Schema> | undefined {
  const result = v.safeParse(schema, parse(readFileSync(file, "utf8")));
  if (result.success) return result.output;
  for (const issue of result.issues) problems.push(`${file}: ${v.getDotPath(issue) ?? ""}: ${issue.message}`);
  return undefined;
}

/** Every described key below a node, depth first: `tiers.prod.gate.soak`. */
function collect(node: SchemaNode, path: string, rows: string[][]): void {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const here = path === "" ? key : `${path}.${key}`;
    if (child.description !== undefined) rows.push([`\`${here}\``, cell(child.description)]);
    collect(child, here, rows);
  }
  if (node.items !== undefined) collect(node.items, `${path}[]`, rows);
  if (typeof node.additionalProperties === "object") collect(node.additionalProperties, `${path}.<name>`, rows);
}

function inputTable(inputs: Readonly<Record<string, v.InferOutput<typeof input>>>): string {
  const rows = Object.entries(inputs).map(([name, { description, required, default: value }]) => [
    `\`${name}\``,
    cell(description),
    required ? "**required**" : value === undefined || value === "" ? "" : `\`${cell(String(value))}\``,
  ]);
  return markdownTable(["Input", "What it is", "Default"], rows);
}

/** A caller's job must grant what is asked here, and these environments must exist. */
function jobTable(jobs: v.InferOutput<typeof workflowFile>["jobs"]): string {
  const rows = Object.entries(jobs).map(([name, { environment, permissions }]) => [
    `\`${name}\``,
    environment === undefined ? "none" : environmentsOf(environment.name),
    Object.entries(permissions)
      .map(([scope, access]) => `\`${scope}: ${access}\``)
      .join(", "),
  ]);
  return markdownTable(["Job", "Environment", "Permissions"], rows);
}

/** `prod`, or what an expression can become: the texts in it that are not compared with. */
function environmentsOf(name: string): string {
  if (!name.includes("${{")) return `\`${name}\``;
  const input = /^\$\{\{ inputs\.([a-z-]+) \}\}$/.exec(name)?.[1];
  if (input !== undefined) return `the input \`${input}\``;
  const texts = [...name.replace(/[!=]= '[^']*'/g, "").matchAll(/'([^']+)'/g)].map(([, text]) => `\`${text}\``);
  return texts.length === 0 ? `\`${name}\`` : texts.join(" or ");
}

function outputTable(outputs: Readonly<Record<string, { description: string }>>, title = "Output"): string {
  return markdownTable(
    [title, "What it is"],
    Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, cell(description)]),
  );
}

function cell(text: string): string {
  return text.trim().replace(/\s+/g, " ").replace(/\|/g, "\\|");
}

function markdownTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headers, headers.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Replaces what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a page. */
function replace(page: string, name: string, content: string): void {
  if (!existsSync(page)) {
    problems.push(`${page} is missing`);
    return;
  }
  const text = readFileSync(page, "utf8");
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) {
    problems.push(`${page} has no ${begin} … ${end}`);
    return;
  }
  const made = `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
  if (made === text) return;
  if (check) problems.push(`${page} is stale: run npm run docs`);
  else writeFileSync(page, made);
}
