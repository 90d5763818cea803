/** What the schema cannot say: texts that do not read, and parts of the contract that contradict each other. */
import type { Finding } from "../findings.ts";
import { checkHost } from "./hosts.ts";
import { type Contract, type TierName, TIERS } from "./model.ts";
import type { ContractFile } from "./schema.ts";
import { noSandbox } from "./tiers.ts";
import { isDate, parseDuration, parseFreeze, isReservedUser, parseWindow, sandboxUser, withKind } from "./values.ts";
import type { Path, YamlFile } from "./yaml.ts";

/** What the shipped workflows leave for a verification: their jobs have 120 minutes (`timeout-minutes`). */
const MOST_VERIFY_MS = 90 * 60_000;

/** Checks one text at a time; a contract can be built only from a file that this passes. */
export function checkValues(file: ContractFile, yaml: YamlFile, allowedHosts: readonly string[]): Finding[] {
  const findings: Finding[] = [];
  const wrong = (id: string, path: Path, message: string, remedy: string): void => {
    findings.push({ id: `contract/${id}`, severity: "error", where: yaml.valueAt(path), message, remedy });
  };
  const checkFreezes = (freezes: ContractFile["freezes"], path: Path): void => {
    for (const [index, freeze] of freezes.entries()) {
      if (parseFreeze(freeze) !== undefined) continue;
      wrong(
        "freeze",
        [...path, index],
        `The freeze from ${freeze.from} until ${freeze.until} (${freeze.zone}) is no stretch of time.`,
        "Write two days of the calendar, the first before the last, and a time zone such as Europe/Berlin.",
      );
    }
  };
  checkFreezes(file.freezes, ["freezes"]);
  for (const tier of TIERS) {
    const policy = file.tiers[tier];
    if (policy.workspace !== undefined) {
      const host = checkHost(policy.workspace, allowedHosts);
      if (!host.ok) {
        wrong("host", ["tiers", tier, "workspace"], `The workspace of ${tier} ${host.problem}.`, host.remedy);
      }
    }
    const room = tier === "sandbox" ? { job: 60, most: 30 } : { job: 120, most: 90 };
    const waits = policy.active_runs === "wait" ? (parseDuration(policy.active_runs_timeout) ?? 0) : 0;
    if (waits > room.most * 60_000) {
      wrong(
        "active-runs-timeout",
        ["tiers", tier, "active_runs_timeout"],
        `A promotion to ${tier} may wait ${policy.active_runs_timeout} for active runs, and the workflow's job, which promotes after that, ends after ${room.job} minutes.`,
        `Write at most ${room.most}m. What runs longer than that is better let go on: active_runs: allow; it keeps its code.`,
      );
    }
    if (!("gate" in policy)) continue;
    for (const [index, window] of policy.gate.windows.entries()) {
      if (parseWindow(window) !== undefined) continue;
      wrong(
        "window",
        ["tiers", tier, "gate", "windows", index],
        `The window ${JSON.stringify(window)} does not read as days, hours and a time zone.`,
        "Write it as `Mon-Thu 08:00-16:00 Europe/Berlin`.",
      );
    }
    checkFreezes(policy.gate.freezes, ["tiers", tier, "gate", "freezes"]);
    if ((parseDuration(policy.gate.verify_timeout) ?? 0) > MOST_VERIFY_MS) {
      wrong(
        "verify-timeout",
        ["tiers", tier, "gate", "verify_timeout"],
        `A verification of ${tier} may take ${policy.gate.verify_timeout}, and the workflows' jobs, which promote before they verify, end after 120 minutes.`,
        "Write at most 90m. Let what takes longer run on its own schedule, and verify with a job that looks at what it left.",
      );
    }
    const { approvers } = policy.gate;
    if (approvers !== "not_actor" && approvers.by === "review" && approvers.count > 1) {
      wrong(
        "approvers",
        ["tiers", tier, "gate", "approvers"],
        `An environment gives one approval, and ${tier} asks for ${approvers.count}.`,
        "Write by: dispatch: each of them then runs operate.yml with the digests of the brief.",
      );
    }
    if (approvers !== "not_actor" && approvers.from.length > 0 && approvers.from.length < approvers.count) {
      wrong(
        "approvers",
        ["tiers", tier, "gate", "approvers"],
        `${tier} asks for ${approvers.count} approvals, and only ${approvers.from.length} may give one.`,
        "Name more people in from, or lower count.",
      );
    }
  }
  for (const [index, exception] of file.schedules.exceptions.entries()) {
    const path = ["schedules", "exceptions", index];
    if (!isDate(exception.until)) {
      wrong(
        "date",
        [...path, "until"],
        `${exception.until} is no day of the calendar.`,
        "Write a date such as 2027-01-31.",
      );
    }
    if ((exception.job === undefined) === (exception.pipeline === undefined)) {
      wrong("exception", path, "An exception names one job or one pipeline.", "Write either `job` or `pipeline`.");
    }
  }
  for (const [index, rule] of file.grants.rules.entries()) {
    if (rule.principal !== "*" || rule.effect === "forbid") continue;
    wrong(
      "everybody",
      ["grants", "rules", index, "principal"],
      `A rule that gives ${rule.privileges.join(", ")} to everybody names nobody.`,
      "Name a group; `*` is for effect: forbid.",
    );
  }
  for (const [index, { principal, privileges }] of file.grants.exceptions.entries()) {
    if (principal !== "*") continue;
    wrong(
      "everybody",
      ["grants", "exceptions", index, "principal"],
      `An exception that gives ${privileges.join(", ")} to everybody names nobody.`,
      "Name a group or a user; `*` is for effect: forbid.",
    );
  }
  for (const [index, { until }] of file.grants.exceptions.entries()) {
    if (isDate(until)) continue;
    wrong(
      "date",
      ["grants", "exceptions", index, "until"],
      `${until} is no day of the calendar.`,
      "Write a date such as 2027-01-31.",
    );
  }
  for (const [component, { files }] of Object.entries(file.components)) {
    if (component === "default") {
      wrong(
        "component-name",
        ["components", component],
        "The component name default stands for what no component claims.",
        "Give the component another name.",
      );
    }
    for (const [index, pattern] of files.entries()) {
      if (!pattern.startsWith("!") && !pattern.startsWith("/") && !pattern.split("/").includes("..")) continue;
      wrong(
        "component-pattern",
        ["components", component, "files", index],
        `The pattern ${pattern} does not name files inside the repository.`,
        "Write what belongs to the component from the repository's root, such as src/scoring/**.",
      );
    }
  }
  return [...findings, ...checkGrantees(file, yaml), ...checkUsers(file, yaml), ...checkExceptions(file, yaml)];
}

/** Groups that everybody is in, whatever is granted to them (facts: unity-catalog 1.7). */
const EVERYBODY: ReadonlySet<string> = new Set(["account users", "users", "admins"]);

/** A sandbox is one person's, and dev is read by a group that somebody decides about. */
function checkGrantees(file: ContractFile, yaml: YamlFile): Finding[] {
  const named: [Path, string][] = Object.entries(file.users).map(([login, name]) => [["users", login], name]);
  const { developers } = file.tiers.sandbox;
  if (developers !== undefined) named.push([["tiers", "sandbox", "developers"], developers]);
  return named
    .filter(([, name]) => EVERYBODY.has(name.trim().toLowerCase()))
    .map(([path, name]) => ({
      id: "contract/everybody",
      severity: "error",
      where: yaml.valueAt(path),
      message: `${path.join(".")} is ${name}, a group that is not this project's.`,
      why: "Whoever is in it, service principals of other tiers included, would be granted what a developer is.",
      remedy:
        path[0] === "users"
          ? "Write the developer's own Databricks user name."
          : "Name an account group of the developers.",
    }));
}

/** GitHub logins do not differ in case, and two of them must not share a sandbox. */
function checkUsers(file: ContractFile, yaml: YamlFile): Finding[] {
  const suffix = file.tiers.sandbox.login_suffix?.toLowerCase();
  const seen = new Map<string, string>();
  return Object.keys(file.users).flatMap((login): Finding[] => {
    const where = yaml.keyAt(["users", login]);
    const sandbox = sandboxUser(login, suffix);
    if (sandbox === undefined || isReservedUser(sandbox)) {
      const severity = "error";
      return [{ id: "contract/user", severity, where, ...noSandbox(login, sandbox) }];
    }
    const other = seen.get(sandbox);
    seen.set(sandbox, login);
    if (other === undefined) return [];
    return [
      {
        id: "contract/duplicate-user",
        severity: "error",
        where,
        message: `${login} and ${other} would share the sandbox ${sandbox}_sandbox.`,
        remedy: "Keep one of them.",
      },
    ];
  });
}

function checkExceptions(file: ContractFile, yaml: YamlFile): Finding[] {
  const seen = new Set<string>();
  return file.schedules.exceptions.flatMap((exception, index): Finding[] => {
    const resource =
      exception.job === undefined ? withKind("pipelines", exception.pipeline ?? "") : withKind("jobs", exception.job);
    const key = `${exception.tier} ${resource}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [
      {
        id: "contract/duplicate-exception",
        severity: "error",
        where: yaml.keyAt(["schedules", "exceptions", index]),
        message: `A second schedule exception for ${resource} in ${exception.tier}.`,
        remedy: "Keep one of them.",
      },
    ];
  });
}

/** What two tiers must not share, and what the sandbox must share with dev. `yaml` says where. */
export function checkTiers(contract: Contract, yaml: YamlFile): Finding[] {
  const findings: Finding[] = [];
  const own = TIERS.filter((tier) => tier !== "sandbox");
  /** The place of a tier's key; a default stands nowhere, so the tier itself is shown. */
  const at = (tier: TierName, key: string) => yaml.valueAt(["tiers", tier, key]);

  for (const [lower, upper] of pairs(own)) {
    const a = contract.tiers[lower];
    const b = contract.tiers[upper];
    if (a.catalog.toLowerCase() === b.catalog.toLowerCase()) {
      findings.push({
        id: "contract/tiers-share-catalog",
        severity: "error",
        where: at(upper, "catalog"),
        message: `${lower} and ${upper} have the same catalog, ${b.catalog}.`,
        why: "One contract is one metastore, so it is the same data: what runs in one tier would write the other.",
        remedy: "Give each tier a catalog of its own; for another metastore, write another contract file.",
      });
    }
    if (sameWorkspace(a, b)) {
      findings.push({
        id: "contract/tiers-share-workspace",
        severity: "warning",
        where: at(upper, "workspace"),
        message: `${lower} and ${upper} are in the same workspace.`,
        why: "Catalog bindings cannot keep them apart, and whoever administers one administers the other.",
        remedy: "Give each of dev, staging and prod a workspace of its own.",
      });
    }
  }
  for (const [lower, upper] of pairs(TIERS)) {
    const a = contract.tiers[lower];
    const b = contract.tiers[upper];
    if (a.servicePrincipal === b.servicePrincipal || (a.clientId !== undefined && a.clientId === b.clientId)) {
      findings.push({
        id: "contract/tiers-share-principal",
        severity: "error",
        where: at(upper, a.servicePrincipal === b.servicePrincipal ? "service_principal" : "client_id"),
        message: `${lower} and ${upper} have the same service principal, ${b.servicePrincipal}.`,
        why: "Whoever gets its credential for one tier could change the other.",
        remedy: "Give each tier a service principal of its own.",
      });
    }
  }
  for (const tier of own) {
    if (!/_sandbox$/i.test(contract.tiers[tier].catalog)) continue;
    findings.push({
      id: "contract/catalog-like-sandbox",
      severity: "error",
      where: at(tier, "catalog"),
      message: `The catalog of ${tier}, ${contract.tiers[tier].catalog}, is named like a developer's sandbox.`,
      why: "Sandboxes are removed when nobody uses them.",
      remedy: "Give it a name that does not end in _sandbox.",
    });
  }
  return findings;
}

/** What the sandbox says of its workspace must be what dev says. */
export function checkSandbox(
  file: ContractFile,
  yaml: YamlFile,
  hosts: Readonly<Record<"sandbox" | "dev", string>>,
): Finding[] {
  const { sandbox, dev } = file.tiers;
  const findings: Finding[] = [];
  const differs = (key: "workspace" | "workspace_id", ours: string, theirs: string): void => {
    findings.push({
      id: "contract/sandbox-workspace",
      severity: "error",
      where: yaml.valueAt(["tiers", "sandbox", key]),
      message: `The sandbox's ${key} is ${ours}, dev's is ${theirs}.`,
      why: "Sandboxes stand in dev's workspace, where they read dev.bronze and dev.silver.",
      remedy: `Remove ${key} from the sandbox.`,
    });
  };
  if (sandbox.workspace !== undefined && hosts.sandbox !== hosts.dev) differs("workspace", hosts.sandbox, hosts.dev);
  if (sandbox.workspace_id !== undefined && sandbox.workspace_id !== dev.workspace_id) {
    differs("workspace_id", sandbox.workspace_id, dev.workspace_id ?? "not given");
  }
  return findings;
}

/** One host can serve many workspaces (facts: databricks-api 1.5), so ids decide where both are known. */
function sameWorkspace(a: Contract["tiers"]["dev"], b: Contract["tiers"]["dev"]): boolean {
  if (a.workspaceId !== undefined && b.workspaceId !== undefined) return a.workspaceId === b.workspaceId;
  return a.host === b.host;
}

/** Every two of a list, in its order. */
function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((first, index) => items.slice(index + 1).map((second): [T, T] => [first, second]));
}
