/**
 * Everything of a bundle outside its resources: what the suite uses, what it takes without effect and says so, and
 * what it refuses. Nothing is skipped in silence.
 */
import type { Contract, Tier } from "../contract/model.ts";
import { ROOT_NAMES } from "./load.ts";
import { didYouMean, type Problems } from "./problems.ts";
import { type Entry, get, getMap, getString, isNull, type Mapping, type Node } from "./tree.ts";

interface Rule {
  readonly severity: "error" | "notice";
  readonly remedy: string;
}

/** `true`: used, or checked elsewhere. */
type Keys = Readonly<Record<string, true | Rule>>;

const refuse = (remedy: string): Rule => ({ severity: "error", remedy });
const noEffect = (remedy: string): Rule => ({ severity: "notice", remedy });

const SERVERLESS = "Remove it: compute is serverless in every tier.";
const BUILD =
  "Four-Tier runs no scripts; build in the job that calls deploy-to-dev, and carry the result as an artifact.";
const PYTHON = "Declare the resources in YAML; `databricks bundle validate -o json` prints what the Python code makes.";
const CONTENT_PATH = "Nothing to do: content goes into write-once folders of the tier's principal.";
const LOCAL_ONLY = "Nothing to do: it serves local work with the Databricks CLI; here the action authenticates.";

const ROOT_KEYS: Keys = {
  bundle: true,
  include: true,
  variables: true,
  targets: true,
  workspace: true,
  resources: true,
  permissions: true,
  presets: true,
  run_as: true,
  sync: true,
  artifacts: true,
  experimental: true,
  environments: refuse("Rename it to `targets`."),
  scripts: noEffect("Nothing to do: `databricks bundle run` runs them, a promotion does not."),
  python: refuse(PYTHON),
};

const TARGET_KEYS: Keys = {
  default: true,
  mode: true,
  presets: true,
  bundle: true,
  workspace: true,
  resources: true,
  variables: true,
  git: true,
  run_as: true,
  permissions: true,
  compute_id: refuse(SERVERLESS),
  cluster_id: refuse(SERVERLESS),
  sync: refuse("Move it to the top level: every tier gets the same files."),
  artifacts: refuse("Move it to the top level: every tier gets the same bytes."),
};

const BUNDLE_KEYS: Keys = {
  name: true,
  git: true,
  uuid: true,
  mode: true,
  engine: true,
  databricks_cli_version: noEffect("Nothing to do: it binds the Databricks CLI, which takes no part in a promotion."),
  deployment: noEffect("Nothing to do: the tier's lock and `active_runs` of the contract take its place."),
  compute_id: refuse(SERVERLESS),
  cluster_id: refuse(SERVERLESS),
};

const WORKSPACE_KEYS: Keys = {
  host: true,
  workspace_id: true,
  root_path: noEffect(CONTENT_PATH),
  file_path: noEffect(CONTENT_PATH),
  artifact_path: noEffect(CONTENT_PATH),
  state_path: noEffect(CONTENT_PATH),
  resource_path: noEffect(CONTENT_PATH),
  profile: noEffect(LOCAL_ONLY),
  auth_type: noEffect(LOCAL_ONLY),
  client_id: noEffect(LOCAL_ONLY),
  account_id: noEffect(LOCAL_ONLY),
  google_service_account: noEffect(LOCAL_ONLY),
  azure_workspace_resource_id: noEffect(LOCAL_ONLY),
  azure_use_msi: noEffect(LOCAL_ONLY),
  azure_client_id: noEffect(LOCAL_ONLY),
  azure_tenant_id: noEffect(LOCAL_ONLY),
  azure_environment: noEffect(LOCAL_ONLY),
  azure_login_app_id: noEffect(LOCAL_ONLY),
  experimental_is_unified_host: noEffect(LOCAL_ONLY),
};

const EXPERIMENTAL_KEYS: Keys = {
  scripts: refuse(BUILD),
  python: refuse(PYTHON),
  pydabs: refuse(PYTHON),
  python_wheel_wrapper: refuse("Remove it: serverless environments install wheels themselves."),
  use_legacy_run_as: refuse("Remove it: jobs and pipelines run as the tier's principal, which owns them."),
  immutable_folder: noEffect("Nothing to do: content folders are write-once anyway."),
  record_deployment_history: noEffect("Nothing to do: the tier's ledger and the runs are the history."),
  skip_artifact_cleanup: noEffect("Nothing to do."),
  skip_name_prefix_for_schema: noEffect("Nothing to do."),
};

const PRESET_KEYS: Keys = {
  name_prefix: true,
  tags: true,
  trigger_pause_status: true,
  jobs_max_concurrent_runs: true,
  pipelines_development: true,
  source_linked_deployment: true,
  artifacts_dynamic_version: noEffect("Nothing to do: carried artifacts are known by their digest."),
};

const SYNC_KEYS: Keys = { paths: true, include: true, exclude: true };

const ARTIFACT_KEYS: Keys = {
  type: true,
  path: true,
  files: true,
  executable: true,
  build: noEffect(
    "Give the command to deploy-to-dev as its input `build`: it runs once, without credentials, and the result is carried.",
  ),
  dynamic_version: noEffect("Nothing to do: carried artifacts are known by their digest."),
};

const LISTS = ["include", "permissions"];
const SINGLES = ["default", "mode", "compute_id", "cluster_id"];

/** A section of the wrong shape would otherwise say nothing. */
function checkShapes(part: Mapping, what: string, keys: Keys, problems: Problems): void {
  const expect = (value: Node, name: string, kind: "map" | "list"): void => {
    if (isNull(value) || value.kind === kind) return;
    problems.error("section-kind", value.where, `\`${name}\` must be a ${kind}.`, `Write it as a YAML ${kind}.`);
  };
  for (const [key, { value }] of part.entries) {
    if (!Object.hasOwn(keys, key) || SINGLES.includes(key)) continue;
    expect(value, `${what}${key}`, LISTS.includes(key) ? "list" : "map");
  }
  for (const section of ["resources", "variables", "artifacts"]) {
    for (const [key, { value }] of getMap(part, [section])?.entries ?? []) {
      if (section !== "variables") expect(value, `${what}${section}.${key}`, "map");
    }
  }
  for (const key of ["paths", "include", "exclude"]) {
    const value = get(part, ["sync", key]);
    if (value !== undefined) expect(value, `${what}sync.${key}`, "list");
  }
}

function checkKeys(node: Mapping | undefined, keys: Keys, what: string, problems: Problems): void {
  for (const [key, entry] of node?.entries ?? new Map<string, Entry>()) {
    const rule = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (rule === true || isNull(entry.value)) continue;
    if (rule !== undefined) {
      const effect = rule.severity === "error" ? "is not supported" : "has no effect in a promotion";
      const message = `\`${key}\` in ${what} ${effect}.`;
      if (rule.severity === "error") problems.error("unsupported", entry.key, message, rule.remedy);
      else problems.notice("no-effect", entry.key, message, rule.remedy);
    } else if (!entry.value.anchored) {
      const remedy = `Correct or remove it.${didYouMean(key, Object.keys(keys))}`;
      problems.error("unknown-key", entry.key, `${what} has no key \`${key}\`.`, remedy);
    }
  }
}

/** The target of a tier; a finding if the bundle has none. */
export function findTarget(root: Mapping, tier: Tier, problems: Problems): Mapping | undefined {
  const targets = getMap(root, ["targets"]);
  const entry = targets?.entries.get(tier.name);
  if (entry === undefined) {
    const where = root.entries.get("targets")?.key ?? root.where;
    const names = [...(targets?.entries.keys() ?? [])];
    const has = names.length === 0 ? "no targets" : `the targets ${names.join(", ")}`;
    const remedy = `Add \`${tier.name}: {}\` under \`targets\`; a target is named as its tier.`;
    problems.error("target-missing", where, `The bundle has ${has}, and none for the tier ${tier.name}.`, remedy);
    return undefined;
  }
  if (isNull(entry.value)) return { kind: "map", entries: new Map(), where: entry.key, anchored: false };
  if (entry.value.kind === "map") return entry.value;
  problems.error("target", entry.value.where, `The target ${tier.name} is not a map.`, "Write keys below it, or `{}`.");
  return undefined;
}

/** Checks the sections as they are written: the root's, and those of the tier's target. */
export function checkSections(root: Mapping, target: Mapping, tier: Tier, problems: Problems): void {
  checkShapes(root, "", ROOT_KEYS, problems);
  checkShapes(target, `targets.${tier.name}.`, TARGET_KEYS, problems);
  checkKeys(root, ROOT_KEYS, ROOT_NAMES[0], problems);
  checkKeys(target, TARGET_KEYS, `targets.${tier.name}`, problems);
  for (const [part, where] of [
    [root, ""],
    [target, `targets.${tier.name}.`],
  ] as const) {
    checkKeys(getMap(part, ["bundle"]), BUNDLE_KEYS, `${where}bundle`, problems);
    checkKeys(getMap(part, ["workspace"]), WORKSPACE_KEYS, `${where}workspace`, problems);
    checkKeys(getMap(part, ["presets"]), PRESET_KEYS, `${where}presets`, problems);
  }
  checkKeys(getMap(root, ["experimental"]), EXPERIMENTAL_KEYS, "experimental", problems);
  checkKeys(getMap(root, ["sync"]), SYNC_KEYS, "sync", problems);
  for (const [name, entry] of getMap(root, ["artifacts"])?.entries ?? []) {
    if (entry.value.kind === "map") checkKeys(entry.value, ARTIFACT_KEYS, `artifacts.${name}`, problems);
  }
}

/** Checks what the merged and resolved sections say against the tier. */
export function checkTier(merged: Mapping, tier: Tier, contract: Contract, problems: Problems): void {
  const host = get(merged, ["workspace", "host"]);
  const written = getString(host, []);
  if (host !== undefined && written !== undefined && normalHost(written) !== normalHost(tier.host)) {
    const message = `The bundle's host for ${tier.name} is ${written}; the contract's is ${tier.host}.`;
    const remedy = `Remove \`workspace.host\` here, or correct one of the two (${contract.file}).`;
    problems.error("host-contradicts", host.where, message, remedy);
  }
  const id = get(merged, ["workspace", "workspace_id"]);
  if (id?.kind === "scalar" && tier.workspaceId !== undefined && String(id.value) !== tier.workspaceId) {
    const message = `The bundle's workspace_id for ${tier.name} is ${String(id.value)}; the contract's is ${tier.workspaceId}.`;
    problems.error("host-contradicts", id.where, message, "Remove it here, or correct one of the two.");
  }
  const mode = get(merged, ["bundle", "mode"]);
  const modeName = getString(mode, []);
  if (mode === undefined || isNull(mode)) return;
  if (modeName !== "development" && modeName !== "production") {
    problems.error("mode", mode.where, "`mode` is development or production.", "Correct it, or leave it out.");
  } else if (modeName === "development" && (tier.name === "staging" || tier.name === "prod")) {
    const message = `\`mode: development\` contradicts the tier ${tier.name}.`;
    const why = "It prefixes names, pauses schedules and turns on the development mode of pipelines.";
    problems.error("mode", mode.where, message, "Remove it, or write `mode: production`.", why);
  }
}

function normalHost(host: string): string {
  const withScheme = /^https?:\/\//i.test(host) ? host : `https://${host}`;
  return withScheme.toLowerCase().replace(/\/+$/, "");
}

/** The bundle's name; a finding if it has none, or one that is not fixed. */
export function bundleName(root: Mapping, problems: Problems): string {
  const node = get(root, ["bundle", "name"]);
  const name = getString(node, []);
  if (name !== undefined && name !== "" && !name.includes("${")) return name;
  const where = node?.where ?? root.entries.get("bundle")?.key ?? root.where;
  problems.error(
    "name",
    where,
    "`bundle.name` must be a fixed, non-empty text.",
    "Write `bundle: { name: my-project }`.",
  );
  return "";
}
