/** `four-tier.yml` from text to a contract, or to findings at file:line:column. */
import { type Finding, isFailure } from "../findings.ts";
import { checkValues } from "./checks.ts";
import { DEFAULT_CATALOGS, defaultPrincipal, ON_FAILURE } from "./defaults.ts";
import { checkHost } from "./hosts.ts";
import type {
  Contract,
  GatePolicy,
  GrantsPolicy,
  ScheduleException,
  TierName,
  TierPolicy,
  VerifyStep,
} from "./model.ts";
import type { ContractFile } from "./schema.ts";
import { checkShape } from "./shape.ts";
import { checkSandbox, checkTiers } from "./tier-checks.ts";
import { normalPrivilege, parseDuration, parseFreeze, parseSecurable, parseWindow, withKind } from "./values.ts";
import { readYaml, type YamlFile } from "./yaml.ts";

interface ParseOptions {
  /** Host suffixes allowed besides Databricks' own; an `http://` host must be loopback and listed here. */
  readonly allowedHosts: readonly string[];
}

interface ParsedContract {
  /** Undefined if anything is wrong. */
  readonly contract: Contract | undefined;
  readonly findings: readonly Finding[];
}

/** Parses and checks a contract; never throws for what the text says. `file` is how findings name it. */
export function parseContract(text: string, file: string, options: ParseOptions): ParsedContract {
  const yaml = readYaml(text, file);
  if (yaml.file === undefined) return { contract: undefined, findings: yaml.findings };
  const shape = checkShape(yaml.file);
  if (shape.contract === undefined) return { contract: undefined, findings: shape.findings };
  const findings = [...shape.findings, ...checkValues(shape.contract, yaml.file, options.allowedHosts)];
  const hosts = hostsOf(shape.contract, options.allowedHosts);
  if (hosts !== undefined) {
    const contract = build(shape.contract, yaml.file, file, hosts);
    findings.push(...checkTiers(contract, yaml.file), ...checkSandbox(shape.contract, yaml.file, hosts));
    if (!findings.some(isFailure)) return { contract, findings };
  }
  return { contract: undefined, findings };
}

/** Canonical hosts by tier; undefined if one is refused (checkValues says which). */
function hostsOf(file: ContractFile, allowedHosts: readonly string[]): Record<TierName, string> | undefined {
  const host = (written: string): string => {
    const checked = checkHost(written, allowedHosts);
    return checked.ok ? checked.host : "";
  };
  const { sandbox, dev, staging, prod } = file.tiers;
  const hosts = {
    sandbox: host(sandbox.workspace ?? dev.workspace),
    dev: host(dev.workspace),
    staging: host(staging.workspace),
    prod: host(prod.workspace),
  };
  return Object.values(hosts).includes("") ? undefined : hosts;
}

/** Total: a text that checkValues refused becomes nothing here, and the contract is then not given out. */
function build(file: ContractFile, yaml: YamlFile, name: string, hosts: Record<TierName, string>): Contract {
  return {
    project: file.project,
    file: name,
    suite: file.suite,
    acceptedCommits: file.accepted_commits,
    evidenceBranch: file.evidence?.branch,
    tiers: {
      sandbox: sandboxOf(file, hosts.dev),
      dev: deployedOf("dev", file, hosts.dev, []),
      staging: deployedOf("staging", file, hosts.staging, []),
      prod: deployedOf("prod", file, hosts.prod, file.tiers.prod.may_differ_from_staging),
    },
    users: new Map(Object.entries(file.users).map(([login, user]) => [login.toLowerCase(), user])),
    grants: grantsOf(file.grants, yaml),
    schedules: {
      exceptions: file.schedules.exceptions.map((each, index) => exceptionOf(each, index, yaml)),
      names: file.schedules.names,
    },
    holds: { onExpiry: file.holds.on_expiry },
    adopt: {
      sandbox: new Map(Object.entries(file.adopt.sandbox)),
      dev: new Map(Object.entries(file.adopt.dev)),
      staging: new Map(Object.entries(file.adopt.staging)),
      prod: new Map(Object.entries(file.adopt.prod)),
    },
    components: Object.entries(file.components).map(([component, { files, resources }]) => ({
      name: component,
      files,
      resources,
    })),
    at: (path) => yaml.keyAt(path),
  };
}

function deployedOf(
  tier: "dev" | "staging" | "prod",
  { tiers, freezes }: ContractFile,
  host: string,
  mayDifferFromStaging: readonly string[],
): TierPolicy {
  const policy = tiers[tier];
  return {
    host,
    workspaceId: policy.workspace_id,
    catalog: policy.catalog ?? DEFAULT_CATALOGS[tier],
    servicePrincipal: policy.service_principal ?? defaultPrincipal(tier),
    clientId: policy.client_id?.toLowerCase(),
    hasPrincipal: true,
    gate: gateOf(policy.gate, freezes),
    destructive: policy.destructive,
    operators: policy.operators.map((login) => login.toLowerCase()),
    onFailure: policy.on_failure ?? ON_FAILURE[tier],
    activeRuns: policy.active_runs,
    activeRunsTimeoutMs: parseDuration(policy.active_runs_timeout) ?? 0,
    mayDifferFromStaging,
    readers: policy.readers,
    storageRoot: undefined,
    keepDays: 0,
    graceDays: 0,
    developers: undefined,
    loginSuffix: undefined,
  };
}

/** Sandboxes are in dev's workspace, whatever else is said of them. */
function sandboxOf({ tiers: { sandbox, dev } }: ContractFile, host: string): TierPolicy {
  return {
    host,
    workspaceId: dev.workspace_id,
    catalog: DEFAULT_CATALOGS.sandbox,
    servicePrincipal: sandbox.service_principal ?? defaultPrincipal("sandbox"),
    clientId: sandbox.client_id?.toLowerCase(),
    hasPrincipal: sandbox.service_principal !== undefined || sandbox.client_id !== undefined,
    gate: NO_GATE,
    destructive: sandbox.destructive,
    operators: [],
    onFailure: ON_FAILURE.sandbox,
    activeRuns: sandbox.active_runs,
    activeRunsTimeoutMs: parseDuration(sandbox.active_runs_timeout) ?? 0,
    mayDifferFromStaging: [],
    readers: undefined,
    storageRoot: sandbox.storage_root,
    keepDays: sandbox.keep_days,
    graceDays: sandbox.grace_days,
    developers: sandbox.developers,
    loginSuffix: sandbox.login_suffix?.toLowerCase(),
  };
}

/** Nothing has to be shown to enter a sandbox. */
const NO_GATE: GatePolicy = {
  soakMs: 0,
  verifications: 0,
  verify: [],
  verifyTimeoutMs: 0,
  estateMs: undefined,
  approvers: { by: "review", count: 1, from: [], notAuthor: false },
  windows: [],
  freezes: [],
};

function gateOf(gate: ContractFile["tiers"]["dev"]["gate"], freezes: ContractFile["freezes"]): GatePolicy {
  const approvers = gate.approvers === "not_actor" ? undefined : gate.approvers;
  return {
    soakMs: parseDuration(gate.soak) ?? 0,
    verifications: gate.verifications,
    verify: gate.verify.flatMap(verifySteps),
    verifyTimeoutMs: parseDuration(gate.verify_timeout) ?? 0,
    estateMs: gate.estate === undefined ? undefined : parseDuration(gate.estate),
    approvers: {
      by: approvers?.by ?? "review",
      count: approvers?.count ?? 1,
      from: (approvers?.from ?? []).map((login) => login.toLowerCase()),
      notAuthor: approvers?.not_author ?? false,
    },
    windows: gate.windows.flatMap((window) => parseWindow(window) ?? []),
    freezes: [...freezes, ...gate.freezes].flatMap((freeze) => parseFreeze(freeze) ?? []),
  };
}

/** A bare key is a job's; a mapping says what to do with pipelines. */
function verifySteps(step: ContractFile["tiers"]["dev"]["gate"]["verify"][number]): VerifyStep[] {
  if (typeof step !== "string") return Object.entries(step).map(([key, how]) => ({ key, how }));
  return [step.startsWith("pipelines.") ? { key: step, how: "update" } : { key: withKind("jobs", step), how: "run" }];
}

function grantsOf(grants: ContractFile["grants"], yaml: YamlFile): GrantsPolicy {
  const written = <Rule extends ContractFile["grants"]["rules"][number] | ContractFile["grants"]["exceptions"][number]>(
    list: "rules" | "exceptions",
    rule: Rule,
    index: number,
  ) => {
    const on = parseSecurable(rule.on);
    if (on === undefined) return [];
    const privileges = [...new Set(rule.privileges.map(normalPrivilege))];
    return [{ ...rule, on, privileges, where: yaml.keyAt(["grants", list, index]) }];
  };
  return {
    authority: grants.authority,
    rules: grants.rules.flatMap((rule, index) => written("rules", rule, index)),
    exceptions: grants.exceptions.flatMap((exception, index) => written("exceptions", exception, index)),
  };
}

function exceptionOf(
  exception: ContractFile["schedules"]["exceptions"][number],
  index: number,
  yaml: YamlFile,
): ScheduleException {
  return {
    tier: exception.tier,
    resource:
      exception.job === undefined ? withKind("pipelines", exception.pipeline ?? "") : withKind("jobs", exception.job),
    state: exception.state,
    until: exception.until,
    reason: exception.reason,
    where: yaml.keyAt(["schedules", "exceptions", index]),
  };
}
