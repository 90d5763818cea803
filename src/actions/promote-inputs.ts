/** The inputs of action-promote's modes plan and promote: read once, and refused all at once. */
import { isAbsolute, join } from "node:path";
import { TIERS } from "../contract/model.ts";
import { nearestName } from "../contract/nearest.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { OVERRIDABLE } from "../gate/check.ts";
import { parseBuilt } from "../release/built.ts";
import type { Artifact } from "../release/digest.ts";
import type { GatherRequest } from "../release/gather.ts";
import type { ActionContext } from "./frame.ts";
import { MODES } from "./operations.ts";

/** The inputs that only this action has, checked. */
export interface Inputs {
  readonly mode: "plan" | "promote";
  readonly allTiers: boolean;
  readonly commit: string;
  /** Absolute; undefined for none. */
  readonly artifacts: string | undefined;
  /** What the build says of its files; undefined if it says nothing. */
  readonly built: readonly Artifact[] | undefined;
  readonly approved: { readonly release: string; readonly plan: string };
  readonly acceptDrift: string;
  readonly override: GatherRequest["override"];
  readonly live: boolean;
  readonly readEnvironment: string | undefined;
  readonly deep: boolean;
  readonly lockWaitMs: number;
}

/** Throws FourTierError with every input that is wrong. */
export function readInputs(context: ActionContext): Inputs {
  const { run } = context;
  const input = (name: string): string => context.input(name);
  const findings: Finding[] = [];
  const wrong = (name: string, message: string, remedy: string): void => {
    findings.push({ id: `input/${name}`, severity: "error", message, remedy });
  };
  const mode = input("mode") || "plan";
  if (mode !== "plan" && mode !== "promote") {
    const near = nearestName(mode, MODES);
    const meant = near === undefined ? "" : ` Did you mean ${near}?`;
    wrong("mode", `There is no mode ${mode}.${meant}`, `Use one of these: ${MODES.join(", ")}.`);
  }
  const tier = input("tier");
  if (tier === "all" && mode !== "plan") {
    wrong("tier", "tier: all goes with mode: plan only.", "Promote into one tier: dev, staging or prod.");
  }
  const commit = (input("commit") || run.sha).toLowerCase();
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
    wrong("commit", "The input commit is not a whole commit id.", "Give all 40 hex digits; a branch can move.");
  }
  for (const name of ["release-digest", "plan-digest", "accept-drift"]) {
    const value = input(name);
    if (value !== "" && !/^[0-9a-f]{64}$/.test(value)) {
      wrong(name, `The input ${name} is not a digest of 64 hex digits.`, "Hand on the output of the plan unchanged.");
    }
  }
  if (tier === "prod" && mode === "promote") {
    for (const name of ["release-digest", "plan-digest"]) {
      if (input(name) === "") {
        wrong(
          name,
          `The input ${name} is empty, and prod takes only what was approved.`,
          `Hand on the output ${name} of the job that wrote the brief.`,
        );
      }
    }
  }
  const override = input("override")
    .split(/[\s,]+/)
    .filter((id) => id !== "");
  const checks = OVERRIDABLE.filter((id) => override.includes(id));
  for (const id of override.filter((each) => !OVERRIDABLE.some((known) => known === each))) {
    wrong("override", `The check ${id} cannot be overridden.`, `What can be: ${OVERRIDABLE.join(", ")}.`);
  }
  const reason = input("reason").trim();
  if (checks.length > 0 && reason === "") {
    wrong("reason", "An override needs a reason.", "Say why the rule does not hold today; everybody will read it.");
  }
  const live = input("live") || "auto";
  if (!["auto", "true", "false"].includes(live)) {
    wrong("live", `The input live is ${live}.`, "Use true, false or auto.");
  }
  const readEnvironment = input("read-environment");
  if (TIERS.some((name) => name === readEnvironment.toLowerCase())) {
    wrong(
      "read-environment",
      `The input read-environment is ${readEnvironment}, a tier's own environment.`,
      "Make an environment of its own for the brief, with a principal that may only read: who approves must have read the brief first.",
    );
  }
  const deep = (input("deep") || "false").toLowerCase();
  if (deep !== "true" && deep !== "false") {
    wrong("deep", "The input deep is neither true nor false.", "Write deep: true, or leave it out.");
  }
  const minutes = Number(input("lock-wait-minutes") || "30");
  if (!Number.isFinite(minutes) || minutes < 0 || minutes > 360) {
    wrong("lock-wait-minutes", "The input lock-wait-minutes is not a number from 0 to 360.", "Give minutes.");
  }
  if (findings.length > 0) throw new FourTierError(findings);
  const artifacts = input("artifacts");
  return {
    mode: mode === "promote" ? "promote" : "plan",
    allTiers: tier === "all",
    commit,
    artifacts: artifacts === "" ? undefined : isAbsolute(artifacts) ? artifacts : join(run.workspace, artifacts),
    built: parseBuilt(input("artifact-digests")),
    approved: { release: input("release-digest"), plan: input("plan-digest") },
    acceptDrift: input("accept-drift"),
    override: checks.length === 0 ? undefined : { checks, reason: reason.slice(0, 500) },
    live: live === "true" || (live === "auto" && (run.oidc !== undefined || input("client-secret") !== "")),
    readEnvironment: readEnvironment === "" ? undefined : readEnvironment,
    deep: deep === "true",
    lockWaitMs: minutes * 60_000,
  };
}
