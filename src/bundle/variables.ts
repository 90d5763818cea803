/** The bundle's variables for one tier: defaults, the target's overrides, and what the contract sets. */
import { didYouMean, type Problems } from "./problems.ts";
import { type FileWhere, get, getMap, getString, isNull, type Mapping, type Node, scalar } from "./tree.ts";

/** Set from the contract in every tier, whatever the bundle says. */
export const CONTRACT_VARIABLES = ["catalog", "source_catalog", "tier"] as const;
type ContractVariable = (typeof CONTRACT_VARIABLES)[number];

/** One variable as the tier has it, before anything is put into its value. */
export interface Variable {
  readonly name: string;
  /** Unresolved; undefined if nothing gives it one. */
  readonly value: Node | undefined;
  /** Where the variable is declared. */
  readonly where: FileWhere;
  /** What the bundle's target says of a variable that the contract sets: to be compared once it is resolved. */
  readonly claimed?: Node;
  /** True for one that the contract sets and the bundle does not declare. */
  readonly undeclared?: boolean;
  /** Why it has no value: it is looked up in a workspace. */
  readonly lookup?: FileWhere;
}

const DEFINITION_KEYS = ["default", "type", "description", "lookup"];

/**
 * Reads `variables` and `targets.<tier>.variables`. What has no value is only a finding once it is used:
 * the interpolation knows.
 */
export function readVariables(
  root: Mapping,
  target: Mapping | undefined,
  fromContract: Readonly<Record<ContractVariable, string>>,
  problems: Problems,
): ReadonlyMap<string, Variable> {
  const declared = new Map<string, Variable>();
  for (const [name, entry] of getMap(root, ["variables"])?.entries ?? []) {
    declared.set(name, readDefinition(name, entry.value, entry.key, problems));
  }
  for (const [name, entry] of getMap(target, ["variables"])?.entries ?? []) {
    const base = declared.get(name);
    if (base === undefined) {
      const message = `The target sets the variable \`${name}\`, which the bundle does not declare.`;
      const remedy = `Declare it under \`variables\`.${didYouMean(name, declared.keys())}`;
      problems.error("variable-undeclared", entry.key, message, remedy);
      continue;
    }
    declared.set(name, override(base, entry.value));
  }
  for (const name of CONTRACT_VARIABLES) {
    const base = declared.get(name);
    const where = base?.where ?? root.where;
    const claimed = get(target, ["variables", name]) === undefined ? undefined : base?.value;
    const value = scalar(fromContract[name], where);
    declared.set(name, {
      name,
      value,
      where,
      undeclared: base === undefined,
      ...(claimed === undefined ? {} : { claimed }),
    });
  }
  return declared;
}

function readDefinition(name: string, node: Node, where: FileWhere, problems: Problems): Variable {
  if (isNull(node)) return { name, value: undefined, where };
  if (node.kind !== "map") {
    const remedy = `Write \`${name}: { default: … }\`; the short form is for targets.`;
    problems.error("variable", node.where, `The declaration of \`${name}\` is not a map.`, remedy);
    return { name, value: undefined, where };
  }
  for (const [key, entry] of node.entries) {
    if (DEFINITION_KEYS.includes(key)) continue;
    const message = `\`${key}\` is not part of a variable's declaration.`;
    problems.error(
      "variable",
      entry.key,
      message,
      `Use ${DEFINITION_KEYS.join(", ")}.${didYouMean(key, DEFINITION_KEYS)}`,
    );
  }
  const type = node.entries.get("type");
  if (type !== undefined && getString(node, ["type"]) !== "complex" && !isNull(type.value)) {
    problems.warning(
      "variable",
      type.value.where,
      "The only type of variable is `complex`.",
      "Write it so, or leave it out.",
    );
  }
  return withDefinition({ name, value: undefined, where }, node);
}

function withDefinition(base: Variable, definition: Mapping): Variable {
  const value = definition.entries.get("default");
  const lookup = definition.entries.get("lookup");
  const { name, where } = base;
  if (value !== undefined && !isNull(value.value)) return { name, where, value: value.value };
  if (lookup !== undefined && !isNull(lookup.value)) return { name, where, value: undefined, lookup: lookup.key };
  return base;
}

/** A target gives a value itself, or a declaration (the CLI's rule: only known keys, `default` or `lookup` among them). */
function override(base: Variable, node: Node): Variable {
  if (isNull(node)) return base;
  if (node.kind === "map") {
    const keys = [...node.entries.keys()];
    const isDefinition =
      keys.every((key) => DEFINITION_KEYS.includes(key)) && (keys.includes("default") || keys.includes("lookup"));
    if (isDefinition) return withDefinition(base, node);
  }
  return { name: base.name, where: base.where, value: node };
}
