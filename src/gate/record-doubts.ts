/** Whether what was verified or decided is borne out by the run behind it: each such record has a step that states it. */
import { isWorkflow } from "../login.ts";
import type { RecordKind, RecordPayload } from "../release/evidence.ts";
import type { EvidenceJob, EvidenceRun } from "./evidence-facts.ts";
import { jobsBehind, type Trust, timeDoubts } from "./jobs-behind.ts";
import { statementOf } from "./record-runs.ts";

/** What was verified or decided: the records whose statement is a step of its own. */
export type StatedRecord = Exclude<RecordPayload, { readonly kind: "promotion" | "rollback" }>;

/**
 * The same for what was verified or decided: `createdAt` is the Deployment's. Its state is only a label, so it does not
 * count. A record was written while its job ran, so an old one cannot be written once more after what undid it.
 */
export function recordDoubts(
  record: { readonly claim: StatedRecord; readonly createdAt: string },
  run: EvidenceRun | undefined,
  trust: Trust,
): string[] {
  const { claim } = record;
  if (run === undefined) return [`it points to run ${claim.run.id}, which this repository does not have`];
  const { kind, tier } = claim;
  const behind = jobsBehind(run, { kind, tier, attempt: claim.run.attempt }, trust);
  if (behind.doubts.length > 0) return [...behind.doubts];
  const decided = LETTING_IN.includes(kind) || (kind === "opening" && run.event !== "schedule");
  if (decided && isWorkflow(run.actor)) {
    return ["a workflow's own token started the run behind it, so nobody can say whose decision it is"];
  }
  const found = behind.jobs.map((job) => statementDoubts(job, record));
  // One job that says so is enough: a caller may have several that operate.
  return found.some((each) => each.length === 0) ? [] : [...new Set(found.flat())];
}

/** What opens a gate is a person's; what shuts one may come from anybody. */
const LETTING_IN: readonly RecordKind[] = ["accept", "resume", "approval"];

/** When the job behind a record that is believed ended; undefined if GitHub does not say. */
export function endedAt(claim: StatedRecord, run: EvidenceRun, trust: Trust): string | undefined {
  const { kind, tier } = claim;
  const { jobs } = jobsBehind(run, { kind, tier, attempt: claim.run.attempt }, trust);
  const statement = statementOf(claim);
  return jobs.find(({ steps }) => steps.some(({ name }) => name === statement))?.completedAt;
}

function statementDoubts(
  job: EvidenceJob,
  record: { readonly claim: StatedRecord; readonly createdAt: string },
): string[] {
  const { claim, createdAt } = record;
  // A run that is cancelled, or whose time is up, while it verifies records a failure, and its job shows it as cancelled.
  const ends = "passed" in claim && !claim.passed ? ["failure", "cancelled"] : ["success"];
  const wanted = ends.join(" or ");
  if (!ends.includes(job.conclusion ?? "")) {
    return [`its job ${job.name} ended with ${job.conclusion ?? "nothing yet"}, not with ${wanted}`];
  }
  const statement = statementOf(claim);
  if (!job.steps.some((step) => step.name === statement && ends.includes(step.conclusion ?? ""))) {
    return [`its job ${job.name} has no step "${statement}" that ended with ${wanted}`];
  }
  return timeDoubts(job, createdAt);
}
