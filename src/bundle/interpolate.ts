/**
 * `${…}` references, resolved as the Databricks CLI resolves them; what it would leave in place unresolved is a
 * finding here, because it would reach the workspace as text.
 */
import { RESOURCE_KINDS } from "../contract/model.ts";
import { experimentName } from "./experiments.ts";
import { PRINCIPAL_SYMBOL, RELEASE_SYMBOL } from "./model.ts";
import { didYouMean, type Problems } from "./problems.ts";
import {
  child,
  type FileWhere,
  getMap,
  type Mapping,
  mapValues,
  type Node,
  type Scalar,
  scalar,
  scalarText,
} from "./tree.ts";
import type { Variable } from "./variables.ts";

/** What references can see. */
export interface Scope {
  readonly tier: string;
  readonly root: Mapping;
  readonly variables: ReadonlyMap<string, Variable>;
  /** Exact references with a value of ours, such as `bundle.target` or `workspace.host`. */
  readonly values: ReadonlyMap<string, string>;
  /** Exact references that have no value here, and what to write instead. */
  readonly refused: ReadonlyMap<string, string>;
  /** The final name of a resource, prefix included. */
  readonly finalName: (name: Node) => Node;
  readonly problems: Problems;
}

// One segment is letters and digits, starting with a letter, in groups joined by - and _ (as the CLI has it).
const SEGMENT = String.raw`\p{L}[\p{L}\p{N}]*(?:[-_]+[\p{L}\p{N}]+)*`;
const INDEX = String.raw`(?:\[\d+\])*`;
const REFERENCE = new RegExp(String.raw`\$\{(${SEGMENT}(?:\.${SEGMENT}${INDEX})*${INDEX})\}`, "gu");
const MALFORMED = /\$\{[^}]*\b(var|vars|variables|bundle|workspace|resources)\b[^}]*\}?/;
const WORKSPACE_PREFIX = /\/Workspace\/?(?=\$\{workspace\.(?:root|file|resource|artifact|state)_path\})/g;
/** References that double at each step would fill the memory; no bundle that people write comes near. */
const MAX_SIZE = 5_000_000;
const SYMBOLS = [RELEASE_SYMBOL, PRINCIPAL_SYMBOL];

/** Resolves every reference below `node`. Findings go to the scope's problems; what failed stays as it is written. */
export function interpolate(node: Node, scope: Scope): Node {
  return new Resolver(scope).node(node, []);
}

/** References to ids of other resources that are left in a resolved value: `jobs.score`, `experiments.churn`. */
export function idReferences(text: string): string[] {
  return [...text.matchAll(/\$\{resources\.((?:jobs|pipelines|experiments)\.[^.}]+)\.id\}/g)].flatMap(
    (match) => match[1] ?? [],
  );
}

class Resolver {
  readonly #scope: Scope;
  readonly #known = new Map<string, Node | undefined>();
  readonly #sizes = new WeakMap<object, number>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  node(node: Node, open: readonly string[]): Node {
    switch (node.kind) {
      case "scalar":
        return typeof node.value === "string" ? this.#text(node, node.value, open) : node;
      case "list":
        return { ...node, items: node.items.map((item) => this.node(item, open)) };
      case "map":
        return mapValues(node, (value) => this.node(value, open));
    }
  }

  #text(node: Scalar, raw: string, open: readonly string[]): Node {
    if (!raw.includes("${")) return node;
    // A root path with /files after it is the folder of the files; both forms are in use.
    const text = raw
      .replace(WORKSPACE_PREFIX, "")
      .replaceAll(/\$\{workspace\.root_path\}\/files(?![\w.-])/g, "${workspace.file_path}");
    const symbol = SYMBOLS.find((reserved) => text.includes(reserved));
    if (symbol !== undefined) {
      const remedy = `Write ${symbol === RELEASE_SYMBOL ? "`${workspace.file_path}`" : "`${workspace.current_user.userName}`"} if that is what you mean.`;
      this.#scope.problems.error("reserved", node.where, `${symbol} is reserved for the suite.`, remedy);
      return node;
    }
    const whole = new RegExp(`^${REFERENCE.source}$`, "u").exec(text)?.[1];
    if (whole !== undefined) {
      const found = this.#reference(whole, node.where, open);
      // As in the CLI, the substituted value counts as written where it is used: relative paths start there.
      return found === undefined ? node : { ...found, where: node.where };
    }
    const result = text.replaceAll(REFERENCE, (match: string, reference: string) => {
      const found = this.#reference(reference, node.where, open);
      return found === undefined ? match : this.#asText(found, reference, node.where, match);
    });
    const rest = MALFORMED.exec(text.replaceAll(REFERENCE, ""));
    if (rest !== null) {
      const message = `\`${rest[0]}\` is not a well-formed reference, and would reach the workspace as text.`;
      const remedy = "Write `${var.name}`: letters, digits, - and _ between dots, no blanks.";
      this.#scope.problems.error("reference", node.where, message, remedy);
    }
    return { ...node, value: result };
  }

  #asText(found: Node, reference: string, where: FileWhere, match: string): string {
    if (found.kind === "scalar" && found.value !== null) return String(found.value);
    const what = found.kind === "scalar" ? "null" : found.kind === "map" ? "a map" : "a list";
    const message = `\${${reference}} is ${what} and cannot stand inside a text.`;
    this.#scope.problems.error("reference-kind", where, message, "Use the reference alone, or one of its fields.");
    return match;
  }

  /** The value of one reference; undefined if it stays as it is (an id) or could not be resolved (a finding). */
  #reference(reference: string, where: FileWhere, open: readonly string[]): Node | undefined {
    if (open.includes(reference)) {
      const cycle = [...open.slice(open.indexOf(reference)), reference].join(" → ");
      const message = `These references lead back to themselves: ${cycle}.`;
      this.#scope.problems.error("circular", where, message, "Give one of them a value of its own.");
      return undefined;
    }
    const cached = this.#known.get(reference);
    if (cached !== undefined) return cached;
    const steps = splitReference(reference);
    const found = this.#lookUp(reference, steps, where, [...open, reference]);
    if (found !== undefined && this.#size(found) > MAX_SIZE) {
      const message = `\${${reference}} grows to more than ${MAX_SIZE} values and characters.`;
      this.#scope.problems.error("reference-size", where, message, "Use fewer references to references.");
      const nothing = scalar("", where);
      this.#known.set(reference, nothing);
      return nothing;
    }
    this.#known.set(reference, found);
    return found;
  }

  /** How much a value is when written out; parts that are shared are counted each time, but visited once. */
  #size(node: Node): number {
    if (node.kind === "scalar") return typeof node.value === "string" ? 1 + node.value.length : 1;
    const inside = node.kind === "list" ? node.items : node.entries;
    const known = this.#sizes.get(inside);
    if (known !== undefined) return known;
    const parts = node.kind === "list" ? node.items : [...node.entries.values()].map(({ value }) => value);
    const size = parts.reduce((sum, part) => sum + this.#size(part), 1);
    this.#sizes.set(inside, size);
    return size;
  }

  #lookUp(reference: string, steps: Steps, where: FileWhere, open: readonly string[]): Node | undefined {
    const { values, refused, problems } = this.#scope;
    const ours = values.get(reference);
    if (ours !== undefined) {
      if (reference === "bundle.git.commit") this.#commit(where);
      return scalar(ours, where);
    }
    const remedy = refused.get(reference);
    if (remedy !== undefined) {
      problems.error("reference", where, `\${${reference}} has no value here.`, remedy);
      return undefined;
    }
    const [head, ...rest] = steps;
    switch (head) {
      case "var":
        return this.#variable(reference, rest, where, open);
      case "variables":
        // ${variables.x.value} and ${variables.x.default} are long forms.
        return this.#variable(reference, [rest[0] ?? "", ...rest.slice(2)], where, open);
      case "bundle":
        return this.#fromTree(reference, steps, where, open);
      case "resources":
        return this.#resource(reference, rest, where, open);
      default:
        this.#unknown(reference, steps, where);
        return undefined;
    }
  }

  #commit(where: FileWhere): void {
    const message = "What holds ${bundle.git.commit} changes with every commit.";
    const why =
      "A release that changes nothing else still writes it, so that no promotion is a no-op, and no component stands still.";
    const remedy = "Remove it: which commit a tier has is in its ledger, its Deployments and the job summary.";
    this.#scope.problems.warning("commit-in-resource", where, message, remedy, why);
  }

  #unknown(reference: string, steps: Steps, where: FileWhere): void {
    const { problems } = this.#scope;
    if (steps.length === 1) {
      const message = `\${${reference}} is no reference of a bundle; it reaches the workspace as this text.`;
      problems.warning("reference-kept", where, message, "Write `${var.…}` if a variable is meant.");
      return;
    }
    const known = ["var", "bundle", "workspace", "resources"];
    const message = `\${${reference}} does not exist.`;
    const remedy = `Bundles know ${known.map((root) => `\${${root}.…}`).join(", ")}.${didYouMean(String(steps[0]), known)}`;
    problems.error("reference", where, message, steps[0] === "workspace" ? WORKSPACE_REMEDY : remedy);
  }

  #variable(reference: string, path: Steps, where: FileWhere, open: readonly string[]): Node | undefined {
    const { variables, problems, tier } = this.#scope;
    const name = String(path[0] ?? "");
    const variable = variables.get(name);
    if (variable === undefined) {
      const remedy = `Declare \`${name}\` under \`variables\`.${didYouMean(name, variables.keys())}`;
      problems.error("variable-undeclared", where, `\${${reference}}: the bundle has no variable \`${name}\`.`, remedy);
      return undefined;
    }
    if (variable.undeclared === true) {
      const remedy = `Declare it, so that the Databricks CLI reads the bundle too: \`variables: { ${name}: { default: … } }\`.`;
      problems.warning("variable-undeclared", where, `The bundle uses \`${name}\` without declaring it.`, remedy);
    }
    if (variable.lookup !== undefined) {
      const message = `\${${reference}}: \`${name}\` is looked up in a workspace (${variable.lookup.file}:${variable.lookup.line}), which is not asked when a release is rendered.`;
      const remedy = `Give the id itself: \`targets.${tier}.variables.${name}: …\`, in every tier.`;
      problems.error("variable-lookup", where, message, remedy);
      return undefined;
    }
    if (variable.value === undefined) {
      const remedy = `Give it a \`default\`, or a value in \`targets.${tier}.variables\`.`;
      problems.error("variable-unset", variable.where, `The variable \`${name}\` has no value in ${tier}.`, remedy);
      return undefined;
    }
    return this.#walk(variable.value, path.slice(1), reference, where, open);
  }

  #fromTree(reference: string, steps: Steps, where: FileWhere, open: readonly string[]): Node | undefined {
    return this.#walk(this.#scope.root, steps, reference, where, open);
  }

  /** Goes down a value that may itself be, or contain, references. */
  #walk(start: Node, steps: Steps, reference: string, where: FileWhere, open: readonly string[]): Node | undefined {
    let node: Node = start;
    for (const step of steps) {
      if (node.kind === "scalar") node = this.node(node, open);
      const next = child(node, step);
      if (next === undefined) {
        const known = node.kind === "map" ? [...node.entries.keys()] : [];
        const remedy = `Correct the name, or remove the reference.${didYouMean(String(step), known)}`;
        this.#scope.problems.error(
          "reference",
          where,
          `\${${reference}} does not exist: nothing has \`${step}\`.`,
          remedy,
        );
        return undefined;
      }
      node = next;
    }
    return this.node(node, open);
  }

  #resource(
    reference: string,
    [kind, key, ...field]: Steps,
    where: FileWhere,
    open: readonly string[],
  ): Node | undefined {
    const { root, problems } = this.#scope;
    const group = getMap(root, ["resources", String(kind)]);
    const resource = getMap(group, [String(key)]);
    if (resource === undefined) {
      const known = [...(group?.entries.keys() ?? [])];
      const remedy = `Declare the resource, or correct the name.${didYouMean(String(key), known)}`;
      problems.error("reference", where, `\${${reference}}: the bundle has no resource ${kind}.${key}.`, remedy);
      return undefined;
    }
    if (!RESOURCE_KINDS.some((known) => known === kind)) return undefined; // the kind itself is a finding already
    const inCatalog = kind === "schemas" || kind === "volumes" || kind === "registered_models";
    if (inCatalog && field.length === 1 && (field[0] === "id" || field[0] === "full_name")) {
      return scalar(this.#nameParts(resource, reference, kind === "schemas", where, open).join("."), where);
    }
    if (kind === "volumes" && field.length === 1 && field[0] === "volume_path") {
      return scalar(`/Volumes/${this.#nameParts(resource, reference, false, where, open).join("/")}`, where);
    }
    if (field.length === 1 && field[0] === "id") return undefined; // stays, until the resource has an id
    if (field.length === 0 || NOT_DECLARED.includes(String(field[0]))) {
      const remedy = `Write \`\${resources.${kind}.${key}.id}\`.`;
      problems.error("reference", where, `\${${reference}} is not a field that a bundle declares.`, remedy);
      return undefined;
    }
    const found = this.#walk(resource, field, reference, where, open);
    if (found === undefined || field.length !== 1 || field[0] !== "name" || inCatalog) return found;
    return kind === "experiments" ? experimentName(found, this.#scope.finalName) : this.#scope.finalName(found);
  }

  /** What Unity Catalog knows a schema, volume or model by: its id is its name. */
  #nameParts(
    resource: Mapping,
    reference: string,
    isSchema: boolean,
    where: FileWhere,
    open: readonly string[],
  ): readonly string[] {
    const parts = isSchema ? ["catalog_name", "name"] : ["catalog_name", "schema_name", "name"];
    return parts.map((part) => (scalarText(this.#walk(resource, [part], reference, where, open)) ?? "").toLowerCase());
  }
}

/** Fields of answers, which no bundle declares. */
const NOT_DECLARED = ["job_id", "pipeline_id", "experiment_id", "url"];

const WORKSPACE_REMEDY =
  "References to the workspace are ${workspace.file_path}, ${workspace.host}, ${workspace.workspace_id} and ${workspace.current_user.userName | short_name}.";

type Steps = readonly (string | number)[];

/** `var.a.b[0]` → `var`, `a`, `b`, 0. */
function splitReference(reference: string): Steps {
  return reference.split(".").flatMap((segment): (string | number)[] => {
    const [name = "", ...indices] = segment.split("[");
    return [name, ...indices.map((index) => Number(index.slice(0, -1)))];
  });
}
