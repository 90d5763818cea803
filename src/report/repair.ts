/** A repair of grants as a page: what changes, or has changed, thing by thing, and what it leaves alone. */
import type { RepairPlan } from "../grants/repair-plan.ts";
import { nameIt } from "../grants/rights.ts";
import type { JsonObject } from "../json.ts";
import { changesJson, type RepairResult } from "../repair.ts";
import { blocks, code, details, table, text } from "./markdown.ts";

/** A job summary takes 1 MiB; the report has all. */
const ROWS = 300;

/** Markdown for the job summary. */
export function repairSummary({ plan, digest, applied, proof }: RepairResult): string {
  const { catalog, tier } = proof.certificate;
  const count = plan.changes.length;
  const of = `catalog ${code(catalog)} (tier ${code(tier)})`;
  const head =
    count === 0
      ? `Nothing is to be repaired in ${of}.`
      : applied === undefined
        ? `Dry run: nothing was changed. The grants of ${of} would be changed on ${things(count)}.`
        : `The grants of ${of} were changed on ${applied.length} of ${things(count)}.`;
  return blocks(
    head,
    planTable(plan),
    count === 0 ? "" : `Plan digest: ${code(digest)}`,
    plan.kept.length === 0
      ? ""
      : details(
          `What is left alone (${plan.kept.length})`,
          plan.kept
            .slice(0, ROWS)
            .map((line) => `- ${text(line)}`)
            .join("\n"),
        ),
  );
}

const things = (count: number): string => (count === 1 ? "1 thing" : `${count} things`);

function planTable({ changes }: RepairPlan): string {
  const rows = changes.flatMap(({ on, entries }) =>
    entries.map(({ name, add, remove }) => [
      code(nameIt(on)),
      code(name),
      add.length === 0 ? "" : `➕ ${add.map(code).join(" ")}`,
      remove.length === 0 ? "" : `➖ ${remove.map(code).join(" ")}`,
    ]),
  );
  const more = rows.length > ROWS ? `And ${rows.length - ROWS} more, in the report.` : "";
  return blocks(table(["On", "Who", "Granted", "Revoked"], rows.slice(0, ROWS)), more);
}

/** The machine-readable plan, and what was done of it. */
export function repairReport({ plan, digest, applied, proof }: RepairResult): JsonObject {
  const { certificate } = proof;
  return {
    mode: "repair",
    tier: certificate.tier,
    catalog: certificate.catalog,
    principal: { ...certificate.principal },
    at: certificate.at,
    plan: { digest, changes: changesJson(plan), kept: [...plan.kept] },
    applied: applied === undefined ? null : applied.map(({ on }) => ({ ...on })),
  };
}
