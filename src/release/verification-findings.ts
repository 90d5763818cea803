/** What a verification says when it has not passed: each finding names the resource, and what to do next. */
import type { VerifyStep } from "../contract/model.ts";
import type { Failure } from "../databricks/failures.ts";
import type { Finding } from "../findings.ts";
import { isObject } from "../json.ts";
import { count } from "../report/markdown.ts";
import type { AppliedResource } from "./change.ts";

/** What cannot verify anything: said before anything is started. */
export function unfitFindings(step: VerifyStep, resource: AppliedResource | undefined, tier: string): Finding[] {
  if (resource === undefined) {
    return [
      {
        ...notRun(step, tier),
        message: `The contract verifies ${tier} with ${step.key}, and this release has no ${step.key}.`,
        remedy: "Put it into the bundle, or take it out of gate.verify on the default branch.",
      },
    ];
  }
  const { continuous } = resource.settings;
  if (continuous === undefined || continuous === false || step.how === "validate_only") return [];
  if (!isObject(continuous) && continuous !== true) return [];
  return [
    {
      ...notRun(step, tier),
      message: `${step.key} is continuous: a run of it never ends, so it cannot pass.`,
      remedy:
        step.how === "run"
          ? "Verify with a job that looks at what it produces."
          : `Write { ${step.key}: validate_only }, or verify with a job that looks at what it produces.`,
    },
  ];
}

/** What all findings about a step that was not run have in common. */
export function notRun(step: VerifyStep, tier: string): Finding {
  return {
    id: "verify/not-run",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `${step.key} was not run.`,
    why: "What was not run has proved nothing.",
    remedy: "Fix the cause and verify again.",
  };
}

/** A pipeline that is not there any more. */
export function gone(step: VerifyStep, tier: string): Finding {
  return { ...notRun(step, tier), message: `${step.key} is not in the workspace any more.`, remedy: "Promote again." };
}

/** The run was cancelled; `when` ends the sentence. */
export function stopped(step: VerifyStep, tier: string, when: string): Finding {
  return {
    id: "verify/stopped",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `The run was cancelled; ${step.key} was stopped ${when}.`,
    remedy: "Start the run again.",
  };
}

/** The time was up; without a `url` before the step could begin. */
export function tooLong(
  step: VerifyStep,
  resource: AppliedResource,
  tier: string,
  timeoutMs: number,
  url: string | undefined,
): Finding {
  return {
    id: "verify/too-long",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `"${resource.name}" (${step.key}) had not ended in the ${count(Math.round(timeoutMs / 60_000), "minute")} that the verification has${url === undefined ? ", or could not begin" : `, and was cancelled: ${url}`}.`,
    remedy: "Look why it takes so long; if it must, give gate.verify_timeout more time.",
  };
}

/** `what` had the time that the step was given; it was not started by us. */
export function behind(
  step: VerifyStep,
  resource: AppliedResource,
  tier: string,
  timeoutMs: number,
  what: string,
): Finding {
  return {
    id: "verify/behind-another",
    severity: "unknown",
    where: { kind: "resource", tier, key: step.key },
    message: `"${resource.name}" (${step.key}) had less than the ${Math.round(timeoutMs / 60_000)} minutes that a verification may take. Before it was at work: ${what}.`,
    why: "This verification has not started that, and what it took of the time says nothing of the release.",
    remedy:
      "Verify again when it has ended. If nobody waits for it (a verification that was killed leaves its run at work), cancel it in the workspace.",
  };
}

/** It ran to its end, and that was no success; `code` is the service's word for it. */
export function failed(
  step: VerifyStep,
  resource: AppliedResource,
  tier: string,
  code: string | undefined,
  url: string | undefined,
  failures: readonly Failure[],
): Finding {
  const [first] = failures;
  const said =
    first === undefined ? "" : `${first.task === undefined ? "" : ` in task ${first.task}`}: ${oneLine(first.error)}`;
  return {
    id: "verify/failed",
    severity: "error",
    where: { kind: "resource", tier, key: step.key },
    message: `"${resource.name}" (${step.key}) ended ${code ?? "without success"}${said}`,
    why: "A release that fails its verification goes no further.",
    remedy: `${url === undefined ? "Look at it in the workspace" : `Look at ${url}`}. Fix it with a new commit, or go back to the last verified release with rollback.yml.`,
  };
}

/** An error as the end of one sentence. */
function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 400 ? `${line.slice(0, 399)}…` : line;
}
