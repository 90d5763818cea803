/** The inputs of action-promote's modes plan and promote: read once, and refused all at once. */
import { isAbsolute, join } from "node:path";
import { TIERS } from "../contract/model.ts";
import { OVERRIDABLE } from "../gate/check.ts";
import { parseBuilt } from "../release/built.ts";
import type { Artifact } from "../release/digest.ts";
import { LONGEST_REASON } from "../release/evidence.ts";
import type { GatherRequest } from "../release/gather.ts";
import type { ActionContext } from "./frame.ts";
import { hasCredential, type InputReader, inputsOf, wordsOf } from "./inputs.ts";
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
  const inputs = inputsOf(context);
  const mode = inputs.oneOf("mode", MODES, "plan");
  const tier = inputs.text("tier");
  if (tier === "all" && mode !== "plan") {
    inputs.wrong("tier", "tier: all goes with mode: plan only.", "Promote into one tier: dev, staging or prod.");
  }
  const commit = (inputs.text("commit") || run.sha).toLowerCase();
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
    inputs.wrong("commit", "The input commit is not a whole commit id.", "Give all 40 hex digits; a branch can move.");
  }
  const approved = readApproved(inputs, tier === "prod" && mode === "promote");
  const acceptDrift = inputs.digest("accept-drift", UNCHANGED);
  const override = readOverride(inputs);
  const live = looksAtTier(inputs, context);
  const readEnvironment = briefEnvironment(inputs);
  const deep = inputs.flag("deep");
  const lockWaitMs = inputs.lockWaitMs();
  inputs.done();
  const artifacts = inputs.text("artifacts");
  return {
    mode: mode === "promote" ? "promote" : "plan",
    allTiers: tier === "all",
    commit,
    artifacts: artifacts === "" ? undefined : isAbsolute(artifacts) ? artifacts : join(run.workspace, artifacts),
    built: parseBuilt(inputs.text("artifact-digests")),
    approved,
    acceptDrift,
    override,
    live,
    readEnvironment,
    deep,
    lockWaitMs,
  };
}

const UNCHANGED = "Hand on the output of the plan unchanged.";

/** The digests of what was approved; `needed`: neither may be empty. */
function readApproved(inputs: InputReader, needed: boolean): Inputs["approved"] {
  const approved = {
    release: inputs.digest("release-digest", UNCHANGED),
    plan: inputs.digest("plan-digest", UNCHANGED),
  };
  for (const name of ["release-digest", "plan-digest"]) {
    if (!needed || inputs.text(name) !== "") continue;
    inputs.wrong(
      name,
      `The input ${name} is empty, and prod takes only what was approved.`,
      `Hand on the output ${name} of the job that wrote the brief.`,
    );
  }
  return approved;
}

/** Whether a plan looks at the tier itself; `auto` does if the job can sign in there. */
function looksAtTier(inputs: InputReader, context: ActionContext): boolean {
  return ["", "auto"].includes(inputs.text("live")) ? hasCredential(context) : inputs.flag("live");
}

/** The checks that somebody breaks the glass for, and why; undefined for none. */
function readOverride(inputs: InputReader): Inputs["override"] {
  const named = wordsOf(inputs.text("override"));
  const checks = OVERRIDABLE.filter((id) => named.includes(id));
  for (const id of named.filter((each) => !OVERRIDABLE.some((known) => known === each))) {
    inputs.wrong("override", `The check ${id} cannot be overridden.`, `What can be: ${OVERRIDABLE.join(", ")}.`);
  }
  const reason = inputs.text("reason");
  if (checks.length > 0 && reason === "") {
    inputs.wrong(
      "reason",
      "An override needs a reason.",
      "Say why the rule does not hold today; everybody will read it.",
    );
  }
  return checks.length === 0 ? undefined : { checks, reason: reason.slice(0, LONGEST_REASON) };
}

/** The environment that a brief with a look runs in; undefined if none is named. */
function briefEnvironment(inputs: InputReader): string | undefined {
  const name = inputs.text("read-environment");
  if (TIERS.some((tier) => tier === name.toLowerCase())) {
    inputs.wrong(
      "read-environment",
      `The input read-environment is ${name}, a tier's own environment.`,
      "Make an environment of its own for the brief, with a principal that may only read: who approves must have read the brief first.",
    );
  }
  return name === "" ? undefined : name;
}
