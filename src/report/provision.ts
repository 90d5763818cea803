/** Provisioned sandboxes as a page. */
import type { JsonObject } from "../json.ts";
import type { ProvisionResult } from "../provision.ts";
import { blocks, code, table, text } from "./markdown.ts";

const OUTCOME = {
  created: "✅ created",
  mended: "✅ repaired",
  unchanged: "✅ as it shall be",
  refused: "❌ refused",
  left: "⏳ left alone, in removal",
  unfinished: "❌ not finished",
} as const;

/** Markdown for the job summary; the findings come below it. */
export function provisionSummary({ rows, sources }: ProvisionResult): string {
  return blocks(
    table(
      ["Developer", "Sandbox", "Result", "Written"],
      rows.map(({ login, catalog, outcome, done }) => [
        text(login),
        code(catalog ?? ""),
        OUTCOME[outcome],
        done.map((step) => code(step)).join(" "),
      ]),
    ),
    sources.length === 0
      ? ""
      : `Newly granted to the developers' group: ${sources.map((name) => code(name)).join(", ")}.`,
    "A sandbox reads bronze and silver of dev; no data is copied.",
  );
}

/** The machine-readable result. */
export function provisionReport({ rows, sources }: ProvisionResult): JsonObject {
  return {
    sandboxes: rows.map(({ login, catalog, outcome, done }) => ({
      login,
      catalog: catalog ?? null,
      outcome,
      done: [...done],
    })),
    sources: [...sources],
  };
}
