/** Evidence documents as a promoting job writes them. */
import { type JsonObject, stringifyJson } from "../src/json.ts";
import { type EvidenceOf, evidenceDocument } from "../src/release/evidence-document.ts";
import { sha256 } from "../src/sha256.ts";

const RELEASE = "1".repeat(64);
const COMMIT = "c".repeat(40);

type Promotion = EvidenceOf<"promotion-evidence">;

/** A promotion's, good in itself; `change` bends it. */
export function promotionDocument(
  change: Omit<Partial<Promotion>, "run"> & { readonly run: Partial<Promotion["run"]> },
): JsonObject {
  const { run, ...rest } = change;
  return evidenceDocument({
    kind: "promotion-evidence",
    suite: "four-tier",
    version: 1,
    project: "ml-pipelines",
    tier: "staging",
    repository: "acme/ml-pipelines",
    suite_ref: null,
    deployment: "71",
    written_at: "2026-11-23T10:05:00.000Z",
    release: RELEASE,
    commit: COMMIT,
    components: { default: RELEASE },
    artifacts: [],
    before: null,
    applied: [],
    not_applied: [],
    plan: { digest: "2".repeat(64), changes: [] },
    outcome: "promoted",
    drift: { digest: "3".repeat(64), accepted: false, resources: [] },
    gate: { verdict: "pass", checks: [] },
    verifications: [],
    approvals: [],
    grants: null,
    ...rest,
    run: {
      id: "900",
      attempt: 1,
      job: "promote",
      event: "push",
      url: "https://github.com/acme/ml-pipelines/actions/runs/900/attempts/1",
      actor: "octocat",
      triggering_actor: "octocat",
      workflow: "acme/ml-pipelines/.github/workflows/promote.yml@refs/heads/main",
      ...run,
    },
  });
}

/** A document as the file that the promoting job uploads, with the digest that it hands on. */
export function fileOf(document: JsonObject): { readonly bytes: Buffer; readonly digest: string } {
  const bytes = Buffer.from(`${stringifyJson(document, 2)}\n`);
  return { bytes, digest: sha256(bytes) };
}
