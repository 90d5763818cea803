/** A verification as a person wants to read it: what was run, how it ended, and why what failed did so. */
import type { JsonObject } from "../json.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import type { Look } from "../release/look.ts";
import type { Verification } from "../release/verification.ts";
import type { VerifiedStep } from "../release/verification-step.ts";
import { shortSha } from "../short-sha.ts";
import { visible } from "./log-line.ts";
import { blocks, code, details, html, link, table, text } from "./markdown.ts";

interface VerificationView {
  readonly tier: string;
  readonly release: LedgerRelease;
  readonly look: Look;
  readonly verification: Verification;
  readonly passed: boolean;
}

const OUTCOME = {
  passed: "✅ passed",
  failed: "❌ failed",
  cancelled: "❌ cancelled",
  "not started": "➖ not started",
};
const WHAT = { run: "run", update: "update", validate_only: "validation" };

/** Markdown for the job summary; the findings come below it. */
export function verificationSummary({ tier, release, look, verification, passed }: VerificationView): string {
  const { steps } = verification;
  const whole = !verification.findings.some(({ id }) => id === "verify/not-as-released");
  return blocks(
    `${passed ? "✅" : "❌"} **${text(tier)}** has commit ${code(shortSha(release.commit))}; the verification ${passed ? "passed" : "failed"}.`,
    table(
      ["What", "Of", "Result", "Took", ""],
      [
        [
          "compared",
          "everything that was released",
          whole ? "✅ as released" : "❌ not as released",
          "",
          COMPARED[look.compared],
        ],
        ...steps.map((step) => [
          text(WHAT[step.how]),
          `${code(step.key)} ${text(step.name)}`,
          `${OUTCOME[step.outcome]}${step.code === undefined ? "" : ` (${text(step.code)})`}`,
          step.outcome === "not started" ? "" : `${step.seconds} s`,
          step.url === undefined ? "" : link("look", step.url),
        ]),
      ],
    ),
    ...steps.map(failuresOf),
    steps.length === 0 && whole
      ? `Nothing was run: the contract names no job or pipeline for ${text(tier)} (${code("gate.verify")}).`
      : "",
    table(
      ["", ""],
      [
        ["Release", code(release.digest)],
        ["Commit", code(release.commit)],
      ],
    ),
  );
}

const COMPARED = {
  whole: "settings, access lists and every byte",
  resources: "settings and access lists",
  lists: "as far as lists show it",
} as const;

function failuresOf({ key, failures }: VerifiedStep): string {
  return blocks(
    ...failures.map(({ task, error }) =>
      details(`${code(key)}${task === undefined ? "" : `, task ${code(task)}`}`, `<pre>${html(visible(error))}</pre>`),
    ),
  );
}

/** The verification for the JSON report. */
export function verificationJson({ tier, release, look, verification, passed }: VerificationView): JsonObject {
  return {
    tier,
    release: release.digest,
    commit: release.commit,
    passed,
    compared: look.compared,
    steps: verification.steps.map((step) => ({
      key: step.key,
      how: step.how,
      name: step.name,
      outcome: step.outcome,
      code: step.code ?? null,
      url: step.url ?? null,
      seconds: step.seconds,
      failures: step.failures.map(({ task, error }) => ({ task: task ?? null, error })),
    })),
  };
}
