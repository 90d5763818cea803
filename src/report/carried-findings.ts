/** Findings as one job hands them to another through an output. */
import * as v from "valibot";
import { describeWhere, type Finding, isFailure } from "../findings.ts";

/** A finding as one job hands it to another: what is needed to show it. */
export interface CarriedFinding {
  readonly id: string;
  readonly severity: string;
  readonly where: string;
  readonly message: string;
  readonly remedy: string;
}

/** A job's outputs are at most 1 MiB, and others have a share in it. */
const CARRIED = { findings: 50, text: 400 };

/**
 * What is wrong, or may be, as an output for another job: the first fifty, long texts cut. Never holds a secret:
 * findings do not.
 */
export function findingsOutput(findings: readonly Finding[]): string {
  // What fails comes first: if anything is left out, it is the mildest.
  const wrong = [...findings.filter(isFailure), ...findings.filter(({ severity }) => severity === "warning")];
  const cut = (value: string): string =>
    value.length <= CARRIED.text ? value : `${value.slice(0, CARRIED.text - 1)}…`;
  const carried = wrong.slice(0, CARRIED.findings).map(({ id, severity, where, message, remedy }) => ({
    id,
    severity,
    where: where === undefined ? "" : cut(describeWhere(where)),
    message: cut(message),
    remedy: cut(remedy),
  }));
  return JSON.stringify({ findings: carried, more: wrong.length - carried.length });
}

const Carried = v.object({
  findings: v.array(
    v.object({ id: v.string(), severity: v.string(), where: v.string(), message: v.string(), remedy: v.string() }),
  ),
  more: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/** `findingsOutput` read back; undefined for anything else. */
export function readFindings(
  output: string,
): { readonly findings: readonly CarriedFinding[]; readonly more: number } | undefined {
  try {
    const parsed = v.safeParse(Carried, JSON.parse(output));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
