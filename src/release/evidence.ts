/**
 * The record of a promotion: a GitHub Deployment whose payload says what was deployed by which run. It is an index:
 * anybody with push access can write one, so whoever reads it goes on to the run (design 2, evidence).
 */
import * as v from "valibot";
import { createDeployment, type DeploymentState, setDeploymentStatus } from "../github/deployments.ts";
import type { GitHub } from "../github/client.ts";
import type { JsonObject } from "../json.ts";

/** The Deployments of the suite, among others of the same environment. */
export const TASK = "four-tier";
/** Of the payload's shape. */
export const EVIDENCE_VERSION = 1;

const Hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Short = v.pipe(v.string(), v.maxLength(200));

const EvidenceSchema = v.object({
  suite: v.literal("four-tier"),
  version: v.literal(EVIDENCE_VERSION),
  tier: v.picklist(["dev", "staging", "prod"]),
  project: Short,
  release: Hex64,
  plan: Hex64,
  components: v.record(Short, Hex64),
  run: v.object({
    id: v.pipe(v.string(), v.regex(/^\d{1,20}$/)),
    attempt: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    job: Short,
  }),
  artifacts: v.array(v.object({ name: Short, sha256: Hex64 })),
});

/** What a Deployment of ours carries. */
export type Evidence = v.InferOutput<typeof EvidenceSchema>;

/** The payload of a Deployment, complete at creation. */
export function evidencePayload(evidence: Omit<Evidence, "suite" | "version">): JsonObject {
  return v.parse(EvidenceSchema, { suite: "four-tier", version: EVIDENCE_VERSION, ...evidence });
}

/** What a payload claims; undefined if it is not ours or not whole. */
export function parseEvidence(payload: unknown): Evidence | undefined {
  const result = v.safeParse(EvidenceSchema, payload);
  return result.success ? result.output : undefined;
}

/** A promotion that is being recorded. */
export interface DeploymentRecord {
  readonly id: string;
  /** Ends the record; `description` is a label, cut to 140 characters. */
  finish(state: Extract<DeploymentState, "success" | "failure" | "error">, description: string): Promise<void>;
}

/** Creates the Deployment with its whole payload and marks it in progress. Needs `deployments: write`. */
export async function recordDeployment(
  github: GitHub,
  deployment: {
    readonly commit: string;
    readonly environment: string;
    readonly evidence: Omit<Evidence, "suite" | "version">;
    readonly description: string;
  },
): Promise<DeploymentRecord> {
  const { evidence } = deployment;
  const logUrl = `${github.serverUrl}/${github.owner}/${github.repository}/actions/runs/${evidence.run.id}/attempts/${evidence.run.attempt}`;
  const id = await createDeployment(github, {
    sha: deployment.commit,
    environment: deployment.environment,
    task: TASK,
    payload: evidencePayload(evidence),
    description: deployment.description,
    production: evidence.tier === "prod",
  });
  const set = (state: DeploymentState, description: string): Promise<void> =>
    setDeploymentStatus(github, id, { state, description, logUrl });
  await set("in_progress", deployment.description);
  return { id, finish: set };
}
