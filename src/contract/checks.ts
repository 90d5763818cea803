/** What the schema cannot say: texts that do not read, and parts of the contract that contradict each other. */
import type { Finding } from "../findings.ts";
import { checkHost } from "./hosts.ts";
import { TIERS, type TierName } from "./model.ts";
import type { ContractFile } from "./schema.ts";
import { noSandbox } from "./tiers.ts";
import { isDate, isReservedUser, parseDuration, parseFreeze, parseWindow, sandboxUser, withKind } from "./values.ts";
import type { Path, YamlFile } from "./yaml.ts";

/** What the shipped workflows leave for a verification: their jobs have 120 minutes (`timeout-minutes`). */
const MOST_VERIFY_MS = 90 * 60_000;

/** Notes that something at a path is wrong, as `contract/<id>`; message and remedy are sentences. */
type Wrong = (id: string, path: Path, message: string, remedy: string) => void;

/** Checks one text at a time; a contract can be built only from a file that this passes. */
export function checkValues(file: ContractFile, yaml: YamlFile, allowedHosts: readonly string[]): Finding[] {
  const findings: Finding[] = [];
  const wrong: Wrong = (id, path, message, remedy) => {
    findings.push({ id: `contract/${id}`, severity: "error", where: yaml.valueAt(path), message, remedy });
  };
  checkFreezes(file.freezes, ["freezes"], wrong);
  for (const tier of TIERS) {
    checkWorkspace(tier, file.tiers[tier].workspace, allowedHosts, wrong);
    checkWaits(tier, file.tiers[tier], wrong);
    if (tier !== "sandbox") checkGate(tier, file.tiers[tier].gate, wrong);
  }
  checkScheduleExceptions(file, wrong);
  checkGrants(file, wrong);
  checkComponents(file, wrong);
  return [...findings, ...checkGrantees(file, yaml), ...checkUsers(file, yaml), ...duplicateExceptions(file, yaml)];
}

function checkFreezes(freezes: ContractFile["freezes"], path: Path, wrong: Wrong): void {
  for (const [index, freeze] of freezes.entries()) {
    if (parseFreeze(freeze) !== undefined) continue;
    wrong(
      "freeze",
      [...path, index],
      `The freeze from ${freeze.from} until ${freeze.until} (${freeze.zone}) is no stretch of time.`,
      "Write two days of the calendar, the first before the last, and a time zone such as Europe/Berlin.",
    );
  }
}

function checkWorkspace(
  tier: TierName,
  workspace: string | undefined,
  allowedHosts: readonly string[],
  wrong: Wrong,
): void {
  const host = workspace === undefined ? undefined : checkHost(workspace, allowedHosts);
  if (host === undefined || host.ok) return;
  wrong("host", ["tiers", tier, "workspace"], `The workspace of ${tier} ${host.problem}.`, host.remedy);
}

/** Whether there is time to wait for active runs, in the workflow's job that promotes after that. */
function checkWaits(tier: TierName, policy: ContractFile["tiers"][TierName], wrong: Wrong): void {
  const room = tier === "sandbox" ? { job: 60, most: 30 } : { job: 120, most: 90 };
  const waits = policy.active_runs === "wait" ? (parseDuration(policy.active_runs_timeout) ?? 0) : 0;
  if (waits <= room.most * 60_000) return;
  wrong(
    "active-runs-timeout",
    ["tiers", tier, "active_runs_timeout"],
    `A promotion to ${tier} may wait ${policy.active_runs_timeout} for active runs, and the workflow's job, which promotes after that, ends after ${room.job} minutes.`,
    `Write at most ${room.most}m. What runs longer than that is better let go on: active_runs: allow; it keeps its code.`,
  );
}

type OwnTier = Exclude<TierName, "sandbox">;

function checkGate(tier: OwnTier, gate: ContractFile["tiers"][OwnTier]["gate"], wrong: Wrong): void {
  const at: Path = ["tiers", tier, "gate"];
  for (const [index, window] of gate.windows.entries()) {
    if (parseWindow(window) !== undefined) continue;
    wrong(
      "window",
      [...at, "windows", index],
      `The window ${JSON.stringify(window)} does not read as days, hours and a time zone.`,
      "Write it as `Mon-Thu 08:00-16:00 Europe/Berlin`.",
    );
  }
  checkFreezes(gate.freezes, [...at, "freezes"], wrong);
  if ((parseDuration(gate.verify_timeout) ?? 0) > MOST_VERIFY_MS) {
    wrong(
      "verify-timeout",
      [...at, "verify_timeout"],
      `A verification of ${tier} may take ${gate.verify_timeout}, and the workflows' jobs, which promote before they verify, end after 120 minutes.`,
      "Write at most 90m. Let what takes longer run on its own schedule, and verify with a job that looks at what it left.",
    );
  }
  const { approvers } = gate;
  if (approvers === "not_actor") return;
  if (approvers.by === "review" && approvers.count > 1) {
    wrong(
      "approvers",
      [...at, "approvers"],
      `An environment gives one approval, and ${tier} asks for ${approvers.count}.`,
      "Write by: dispatch: each of them then runs operate.yml with the digests of the brief.",
    );
  }
  if (approvers.from.length > 0 && approvers.from.length < approvers.count) {
    wrong(
      "approvers",
      [...at, "approvers"],
      `${tier} asks for ${approvers.count} approvals, and only ${approvers.from.length} may give one.`,
      "Name more people in from, or lower count.",
    );
  }
}

function checkDay(until: string, path: Path, wrong: Wrong): void {
  if (isDate(until)) return;
  wrong("date", path, `${until} is no day of the calendar.`, "Write a date such as 2027-01-31.");
}

function checkScheduleExceptions({ schedules }: ContractFile, wrong: Wrong): void {
  for (const [index, exception] of schedules.exceptions.entries()) {
    const path = ["schedules", "exceptions", index];
    checkDay(exception.until, [...path, "until"], wrong);
    if ((exception.job === undefined) !== (exception.pipeline === undefined)) continue;
    wrong("exception", path, "An exception names one job or one pipeline.", "Write either `job` or `pipeline`.");
  }
}

function checkGrants({ grants }: ContractFile, wrong: Wrong): void {
  for (const [index, rule] of grants.rules.entries()) {
    if (rule.principal !== "*" || rule.effect === "forbid") continue;
    wrong(
      "everybody",
      ["grants", "rules", index, "principal"],
      `A rule that gives ${rule.privileges.join(", ")} to everybody names nobody.`,
      "Name a group; `*` is for effect: forbid.",
    );
  }
  for (const [index, { principal, privileges }] of grants.exceptions.entries()) {
    if (principal !== "*") continue;
    wrong(
      "everybody",
      ["grants", "exceptions", index, "principal"],
      `An exception that gives ${privileges.join(", ")} to everybody names nobody.`,
      "Name a group or a user; `*` is for effect: forbid.",
    );
  }
  for (const [index, { until }] of grants.exceptions.entries()) {
    checkDay(until, ["grants", "exceptions", index, "until"], wrong);
  }
}

function checkComponents({ components }: ContractFile, wrong: Wrong): void {
  for (const [component, { files }] of Object.entries(components)) {
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

/** Two exceptions for one schedule of one tier would contradict each other. */
function duplicateExceptions(file: ContractFile, yaml: YamlFile): Finding[] {
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
