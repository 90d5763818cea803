/**
 * Writes src/bundle/fields.ts from what the Databricks CLI on this machine knows: names and types of the fields of
 * every kind that is deployed. Usage: `node scripts/bundle-fields.ts --write`; without it, prints the table.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

/** Parts that serverless resources do not have, or that need no checks: anything is taken there. */
const OPEN = ["ClusterSpec", "PipelineCluster", "IngestionPipelineDefinition", "IngestionGatewayPipelineDefinition"];
const PRIMITIVES = new Map([
  ["string", "s"],
  ["bool", "b"],
  ["int", "i"],
  ["int64", "i"],
  ["float64", "f"],
]);

interface Definition {
  type?: string;
  properties?: Record<string, { $ref: string }>;
  required?: string[];
  items?: { $ref: string };
  additionalProperties?: { $ref: string } | boolean;
  enum?: string[];
  oneOf?: Definition[];
}

/** Levels of access and privileges are checked where access is (src/bundle/identity.ts, catalog-objects.ts). */
const NOT_HERE = /PermissionLevel$|^Privilege$/;
const KINDS = ["Job", "Pipeline", "Schema", "Volume", "RegisteredModel", "MlflowExperiment"];

/** What src/bundle/fields.ts is made of. */
export interface Tables {
  /** One line a type: `name` or, for fields that are always sent, `name!`, a colon, and the type. */
  readonly fields: ReadonlyMap<string, string>;
  /** The values of a type of text that has few. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** The tables of everything that a resource may hold. */
export function fieldTables(schema: { $defs: unknown }): Tables {
  const table = new Map<string, string>();
  const values = new Map<string, readonly string[]>();
  const definition = (ref: string): Definition => {
    let at: unknown = schema.$defs;
    for (const step of ref.split("/").slice(2)) at = (at as Record<string, unknown>)[step];
    const found = at as Definition;
    return found.oneOf?.[0] ?? found;
  };
  const typeOf = (ref: string): string => {
    const primitive = PRIMITIVES.get(ref.replace("#/$defs/", ""));
    if (primitive !== undefined) return primitive;
    const { type, properties, items, additionalProperties, required, enum: known } = definition(ref);
    const name = ref.slice(ref.lastIndexOf(".") + 1);
    if (type === "array") return `[${typeOf(items?.$ref ?? "")}]`;
    if (type === "string") {
      if (known === undefined || NOT_HERE.test(name)) return "s";
      values.set(name, known);
      return `=${name}`;
    }
    if (type !== "object") return "*";
    if (properties === undefined)
      return typeof additionalProperties === "object" ? `{${typeOf(additionalProperties.$ref)}}` : "*";
    if (OPEN.includes(name)) return "*";
    if (!table.has(name)) {
      table.set(name, "");
      const fields = Object.entries(properties).map(
        ([key, value]) => `${key}${required?.includes(key) === true ? "!" : ""}:${typeOf(value.$ref)}`,
      );
      table.set(name, fields.join(" "));
    }
    return name;
  };
  for (const kind of KINDS) typeOf(`#/$defs/github.com/databricks/cli/bundle/config/resources.${kind}`);
  const sorted = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { fields: sorted(table), values: sorted(values) };
}

/** The schema of bundles as the CLI on the PATH prints it. */
export function readSchema(): { $defs: unknown } {
  const text = execFileSync("databricks", ["bundle", "schema"], { encoding: "utf8", maxBuffer: 2 ** 26 });
  return JSON.parse(text) as { $defs: unknown };
}

if (import.meta.main) {
  const version = execFileSync("databricks", ["--version"], { encoding: "utf8" }).trim().split(" ").at(-1);
  const { fields, values } = fieldTables(readSchema());
  const lines = [...fields].map(([name, fields]) => `  ${name}: ${JSON.stringify(fields)},`);
  const valueLines = [...values].map(([name, known]) => `  ${name}: ${JSON.stringify(known.join(" "))},`);
  const text = `/**
 * The fields of every kind of resource with their types, as ${version} of the Databricks CLI declares them.
 * Written by scripts/bundle-fields.ts; a test compares it when the CLI is on the PATH.
 * s text, b boolean, i integer, f number, [x] list, {x} map, * anything, a name: that type, =name: a text of VALUES;
 * \`!\` is sent even if empty.
 */
export const FIELDS: Readonly<Record<string, string>> = {
${lines.join("\n")}
};

/** What a text of few values may be. */
export const VALUES: Readonly<Record<string, string>> = {
${valueLines.join("\n")}
};
`;
  if (process.argv.includes("--write")) writeFileSync(new URL("../src/bundle/fields.ts", import.meta.url), text);
  else process.stdout.write(text);
}
