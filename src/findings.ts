/**
 * What can be wrong, and how it is said. A leaf: everything may import it, it imports nothing of ours.
 */

/** Fails the run: `error` (it is wrong) and `unknown` (it could not be seen, which is never a pass). */
export type Severity = "error" | "unknown" | "warning" | "notice";

/** Where a finding is: in a file (1-based), on a Unity Catalog securable, on a deployed resource, or in a request. */
export type Where =
  | { readonly kind: "file"; readonly file: string; readonly line?: number; readonly column?: number }
  | { readonly kind: "securable"; readonly type: string; readonly name: string }
  | { readonly kind: "resource"; readonly tier: string; readonly key: string }
  | {
      readonly kind: "request";
      readonly method: string;
      readonly path: string;
      readonly status?: number;
      readonly requestId?: string;
    };

/** One thing that is wrong. Texts are plain: whoever prints them escapes them. */
export interface Finding {
  /** Stable id, `area/what-is-wrong`: `contract/unknown-key`. */
  readonly id: string;
  readonly severity: Severity;
  readonly where?: Where;
  /** What happened, in one sentence. */
  readonly message: string;
  /** Why it matters, where the message alone does not say. */
  readonly why?: string;
  /** What to do next. */
  readonly remedy: string;
}

/** A run passes only if nothing is wrong and nothing asked for stayed unseen. */
export function isFailure(finding: Finding): boolean {
  return finding.severity === "error" || finding.severity === "unknown";
}

/** What happened is the user's to fix (input, contract, rights, state of a tier), not a defect of the suite. */
export class FourTierError extends Error {
  override readonly name = "FourTierError";
  readonly findings: readonly Finding[];

  constructor(findings: Finding | readonly Finding[], options?: ErrorOptions) {
    const list = "id" in findings ? [findings] : findings;
    super(list.map((finding) => `${finding.id}: ${sentence(finding.message)} ${finding.remedy}`).join("\n"), options);
    this.findings = list;
  }
}

/** Whether something that was thrown is, among others, this finding. */
export function hasFinding(thrown: unknown, id: string): thrown is FourTierError {
  return thrown instanceof FourTierError && thrown.findings.some((finding) => finding.id === id);
}

/** `four-tier.yml:12:5`, `catalog prod`, `GET /api/2.2/jobs/list (403)`: one line, unescaped. */
export function describeWhere(where: Where): string {
  switch (where.kind) {
    case "file":
      return [where.file, where.line, where.line === undefined ? undefined : where.column]
        .filter((part) => part !== undefined)
        .join(":");
    case "securable":
      return `${where.type} ${where.name}`;
    case "resource":
      return `${where.key} in ${where.tier}`;
    case "request": {
      const details = [where.status, where.requestId].filter((part) => part !== undefined);
      return `${where.method} ${where.path}${details.length > 0 ? ` (${details.join(", ")})` : ""}`;
    }
  }
}

/** The message of anything that was thrown, for embedding in a sentence. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Words as a sentence, for another to follow: what people give as a reason often has no full stop. */
export function sentence(words: string): string {
  return /[.!?…:]$/.test(words) ? words : `${words}.`;
}
