/** action-promote, modes reject, accept, hold, resume and approve: a person decides, and it is recorded. */
import { FourTierError } from "../findings.ts";
import { runUrl } from "../github/links.ts";
import { getRepository } from "../github/repository.ts";
import { tierFolder } from "../ledger/paths.ts";
import { type Decision, type OperateRequest, operate as operateTier } from "../operate.ts";
import { LONGEST_REASON, madeBy, recordOperation } from "../release/evidence.ts";
import { operationEvidence } from "../report/evidence.ts";
import type { ActionResult } from "../report/report.ts";
import { parseUntil, UNTIL_FORMS } from "../until.ts";
import type { ActionContext } from "./frame.ts";
import { afterGrace, githubOf } from "./github.ts";
import { hasCredential, inputsOf } from "./inputs.ts";
import { keepEvidence } from "./keep-evidence.ts";
import { mayOperate } from "./may-operate.ts";
import type { Operation } from "./operations.ts";
import { accessTier, recordedTier, resolveTierOfRun } from "./tier-access.ts";
import { withTier } from "./under-lock.ts";

/** A decision is recorded first and does not wait; its copy in the ledger waits this long for the tier's lock. */
const LOCK_WAIT_MS = 60_000;

/** Records what a person decides, and lets the tier's ledger keep a copy. Throws FourTierError for what stops it. */
export async function operate(context: ActionContext, mode: Operation): Promise<ActionResult> {
  const { run } = context;
  const own = readInputs(context, mode);
  const resolved = await resolveTierOfRun(context);
  const tier = recordedTier(resolved);
  const github = githubOf(context);
  const decision: Decision = {
    ...own,
    tier: tier.name,
    project: tier.project,
    run: madeBy(run),
    by: run.triggeringActor,
  };
  const { defaultBranch } = await getRepository(github);
  const refusals = OPENING.includes(mode) ? await mayOperate(github, context.run, resolved) : [];
  if (refusals.length > 0) throw new FourTierError(refusals);
  const result = await operateTier({
    decision,
    run,
    defaultBranch,
    record: (description) => recordOperation(github, { commit: run.sha, payload: decision, description }),
    locked: hasCredential(context) ? (work) => locked(context, work) : undefined,
    runUrl: runUrl(run, run.runId),
    now: new Date(),
  });
  const evidence = operationEvidence(
    {
      tier,
      operation: mode,
      reason: decision.reason,
      ...("release" in decision ? { release: decision.release } : {}),
      ...("plan" in decision ? { plan: decision.plan } : {}),
      ...("until" in decision ? { until: decision.until } : {}),
      deployment: result.outputs["deployment-id"] ?? "",
    },
    { run, findings: result.findings, now: new Date() },
  );
  const kept = await keepEvidence(context, `${tier.name}-${mode}`, evidence);
  return { ...result, outputs: { ...result.outputs, ...kept } };
}

/** What opens a tier; what shuts one must be possible for anybody, and approvals have rules of their own. */
const OPENING: readonly Operation[] = ["accept", "resume"];

async function locked(context: ActionContext, work: Parameters<NonNullable<OperateRequest["locked"]>>[0]) {
  const cancelled = afterGrace(context.cancelled);
  const { tier, workspace, clientId } = await accessTier({ ...context, cancelled });
  await withTier(context, { tier, workspace, folder: tierFolder(clientId, tier) }, LOCK_WAIT_MS, work);
}

/** What the inputs decide; tier, run and person are not theirs to say. */
type Decided = Decision extends infer Each
  ? Each extends Decision
    ? Omit<Each, "tier" | "project" | "run" | "by">
    : never
  : never;

function readInputs(context: ActionContext, mode: Operation): Decided {
  const inputs = inputsOf(context);
  const digest = (name: "release-digest" | "plan-digest", where: string): string => {
    const value = inputs.digest(name, `It is ${where}.`);
    if (value === "") inputs.wrong(name, `mode: ${mode} needs the input ${name}.`, `It is ${where}.`);
    return value;
  };
  const reason = inputs.text("reason");
  if (reason === "" && mode !== "approve") {
    inputs.wrong("reason", `mode: ${mode} needs a reason.`, "Say why, for whoever meets it later.");
  } else if (reason.length > LONGEST_REASON) {
    inputs.wrong(
      "reason",
      `The reason is longer than ${LONGEST_REASON} characters.`,
      "Say it shorter, and link to the incident.",
    );
  }
  const release = ["reject", "accept", "approve"].includes(mode)
    ? digest("release-digest", "in the summary of every promotion, and in the Deployment of the tier")
    : "";
  const plan = mode === "approve" ? digest("plan-digest", "in the brief that you read") : "";
  const until = inputs.text("until");
  const end = parseUntil(until, new Date());
  if (until !== "" && (mode !== "hold" || end === undefined)) {
    inputs.wrong(
      "until",
      mode === "hold" ? `The input until is ${until}.` : "The input until goes with mode: hold only.",
      `Give it ${UNTIL_FORMS}.`,
    );
  }
  inputs.done();
  switch (mode) {
    case "reject":
    case "accept":
      return { kind: mode, release, reason };
    case "approve":
      return { kind: "approval", release, plan, reason };
    case "hold":
      return { kind: mode, hold: "tier", selector: "", reason, until: end?.says ?? null };
    case "resume":
      return { kind: mode, hold: "tier", selector: "", reason };
  }
}
