/** What `${…}` references can see in one tier: its names, the variables, and what has no value here. */
import type { Tier } from "../contract/model.ts";
import { interpolate, type Scope } from "./interpolate.ts";
import { PRINCIPAL_SYMBOL, RELEASE_SYMBOL } from "./model.ts";
import type { RenderOptions } from "./options.ts";
import { Problems } from "./problems.ts";
import { getString, type Mapping, mapping, type Node, scalarText, withKey } from "./tree.ts";
import { CONTRACT_VARIABLES, readVariables } from "./variables.ts";

/** The tier's own names, by what a reference calls them. */
export type Values = ReturnType<typeof valuesOf>;

/** The tier's own names, as references give them. */
export function valuesOf({ tier, git }: RenderOptions) {
  return {
    catalog: tier.catalog,
    source_catalog: tier.sourceCatalog,
    tier: tier.name as string,
    target: tier.name as string,
    host: tier.host,
    workspace_id: tier.workspaceId ?? "",
    principal: PRINCIPAL_SYMBOL as string,
    release: RELEASE_SYMBOL as string,
    service_principal: tier.servicePrincipal,
    short_name: shortName(tier.servicePrincipal),
    commit: git?.commit ?? "",
    branch: git?.branch ?? "",
    origin_url: git?.originUrl ?? "",
  };
}

/** A display name as the CLI shortens it: lower case, everything else than letters and digits to single underscores. */
function shortName(displayName: string): string {
  const [local = ""] = displayName.split("@");
  return local
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{Nd}]+/gu, "_")
    .replaceAll(/^_+|_+$/g, "");
}

/**
 * What a reference of this bundle may name: values, variables, what has one only in some runs, and what is refused with
 * a way out. `merged` is the root with the target's overrides in it.
 */
export function makeScope(
  root: Mapping,
  merged: Mapping,
  target: Mapping,
  options: RenderOptions,
  values: Values,
  problems: Problems,
): Scope {
  const { tier } = options;
  const variables = readVariables(root, target, values, problems);
  const ofRun = referencesOfRun(options, values);
  // What the bundle says itself holds, whether the run has it or not.
  const missing = ofRun.filter(({ known, reference }) => !known && !getString(merged, reference.split(".")));
  const scope: Scope = {
    tier: tier.name,
    root: merged,
    variables,
    values: new Map([
      ...referencesIn(values),
      ...ofRun.filter(({ known }) => known).map(({ reference, value }) => [reference, value] as const),
    ]),
    refused: new Map([...REFUSED, ...missing.map(({ reference, remedy }) => [reference, remedy] as const)]),
    finalName: (name) => prefixed(name, prefix(interpolateIn(merged, "presets", scope), merged, options, values)),
    problems,
  };
  checkSet(variables, tier.name, problems);
  checkCircles(scope, problems);
  checkClaims(scope, tier, values, problems);
  return scope;
}

/** What every tier gives a value. */
function referencesIn(values: Values): (readonly [reference: string, value: string])[] {
  return [
    ["bundle.target", values.target],
    ["bundle.environment", values.target],
    ["workspace.host", values.host],
    ["workspace.file_path", values.release],
    ["workspace.current_user.userName", values.principal],
    ["workspace.current_user.displayName", values.service_principal],
    ["workspace.current_user.short_name", values.short_name],
    ["workspace.current_user.domain_friendly_name", values.short_name.replaceAll("_", "-")],
  ];
}

/** What has no value in any tier, and what to do instead. */
const REFUSED: readonly (readonly [reference: string, remedy: string])[] = [
  ["workspace.root_path", "Write `${workspace.file_path}`: content has a folder of its own for each release."],
  ["workspace.artifact_path", "Write the path of the artifact, relative to this file."],
  ["workspace.state_path", "Remove it: a promotion has no state folder that jobs should know."],
  ["workspace.resource_path", "Remove it: nothing that is deployed is put into a folder of resources."],
];

interface ReferenceOfRun {
  readonly reference: string;
  /** Whether this run, or this contract, has a value for it. */
  readonly known: boolean;
  readonly value: string;
  /** What to do where it is not known. */
  readonly remedy: string;
}

/** What has a value only in some runs. */
function referencesOfRun({ tier, git }: RenderOptions, values: Values): ReferenceOfRun[] {
  return [
    {
      reference: "workspace.workspace_id",
      known: tier.workspaceId !== undefined,
      value: values.workspace_id,
      remedy: `Add \`tiers.${tier.name}.workspace_id\` to the contract.`,
    },
    {
      reference: "bundle.git.commit",
      known: git?.commit !== undefined,
      value: values.commit,
      remedy: "Remove it: the release's commit is on the resource's deployment record.",
    },
    {
      reference: "bundle.git.branch",
      known: git?.branch !== undefined,
      value: values.branch,
      remedy: "Remove it: every tier gets the default branch.",
    },
    {
      reference: "bundle.git.origin_url",
      known: git?.originUrl !== undefined,
      value: values.origin_url,
      remedy: "Write the address itself.",
    },
  ];
}

/** Without a value, a variable is a finding even where nothing uses it. */
function checkSet(variables: ReturnType<typeof readVariables>, tier: string, problems: Problems): void {
  for (const variable of variables.values()) {
    if (variable.value === undefined && variable.lookup === undefined) {
      const remedy = `Give it a \`default\`, or a value in \`targets.${tier}.variables\`.`;
      problems.error(
        "variable-unset",
        variable.where,
        `The variable \`${variable.name}\` has no value in ${tier}.`,
        remedy,
      );
    }
  }
}

/** Circles among variables are findings even where nothing uses them; what else they lack is one where they are used. */
function checkCircles(scope: Scope, problems: Problems): void {
  const found = new Problems();
  for (const { value } of scope.variables.values()) {
    if (value !== undefined) interpolate(value, { ...scope, problems: found });
  }
  problems.addAll(found.list().filter(({ id }) => id === "bundle/circular"));
}

/** A target that gives a variable of the contract another value than the contract does. */
function checkClaims(scope: Scope, tier: Tier, values: Values, problems: Problems): void {
  for (const name of CONTRACT_VARIABLES) {
    const claimed = scope.variables.get(name)?.claimed;
    if (claimed === undefined) continue;
    const text = scalarText(interpolate(claimed, scope));
    // A sandbox is named after its developer, whom a bundle can only know by asking the workspace.
    if (text === values[name] || (tier.name === "sandbox" && name === "catalog")) continue;
    const message = `In ${tier.name} the variable \`${name}\` is ${values[name]}, from the contract; the target says ${String(text)}.`;
    problems.error(
      "variable-contradicts",
      claimed.where,
      message,
      `Remove \`${name}\` from the target, or correct the contract.`,
    );
  }
}

const RESOLVED = ["workspace", "presets", "permissions", "run_as", "bundle", "sync"];

/** The sections outside resources, with their references resolved. */
export function resolveSections(merged: Mapping, scope: Scope): Mapping {
  return RESOLVED.reduce((tree, name) => {
    const node = tree.entries.get(name)?.value;
    return node === undefined
      ? tree
      : withKey(tree, name, name === "bundle" ? node : interpolateIn(merged, name, scope));
  }, merged);
}

function interpolateIn(merged: Mapping, section: string, scope: Scope): Node {
  const node = merged.entries.get(section)?.value ?? mapping([], merged.where);
  if (section !== "workspace" || node.kind !== "map") return interpolate(node, scope);
  // Paths of the workspace are not used; what they refer to need not resolve.
  return interpolate({ ...node, entries: new Map([...node.entries].filter(([key]) => !key.endsWith("_path"))) }, scope);
}

/** What stands before every name: the sandbox's developer, the preset, or what `mode: development` gives by default. */
function prefix(presets: Node | undefined, merged: Mapping, { tier }: RenderOptions, values: Values): string {
  const preset = getString(presets, ["name_prefix"]) ?? "";
  if (tier.name === "sandbox") return `[sandbox ${tier.developer ?? ""}] ${preset}`;
  if (preset === "" && getString(merged, ["bundle", "mode"]) === "development") return `[dev ${values.short_name}] `;
  return preset;
}

function prefixed(name: Node, before: string): Node {
  return name.kind === "scalar" && name.value !== null ? { ...name, value: `${before}${String(name.value)}` } : name;
}
