/** Writes or checks the published JSON Schemas, of the contract, a promotion's evidence and a report on grants: --write | --check. */
import { readFileSync, writeFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import { contractSchema } from "../src/contract/schema.ts";
import { evidenceSchema } from "../src/release/evidence-document.ts";
import { grantsReportSchema } from "../src/report/grants-document.ts";

const at = (file: string): URL => new URL(`../${file}`, import.meta.url);

/** The contract's as text: what an editor checks while the file is being written. */
function publishedSchema(): string {
  return schemaText(contractSchema, "input");
}

/** Of the evidence: what a reader of the file can rely on. */
function publishedEvidenceSchema(): string {
  return schemaText(evidenceSchema, "output");
}

/** Of the report on grants. */
function publishedGrantsSchema(): string {
  return schemaText(grantsReportSchema, "output");
}

function schemaText(schema: Parameters<typeof toJsonSchema>[0], typeMode: "input" | "output"): string {
  const { $schema, title, description, ...rest } = toJsonSchema(schema, { target: "draft-07", typeMode });
  return `${JSON.stringify({ $schema, title, description, ...rest }, null, 2)}\n`;
}

if (import.meta.main) {
  for (const [file, text] of [
    ["four-tier.schema.json", publishedSchema()],
    ["evidence.schema.json", publishedEvidenceSchema()],
    ["grants-report.schema.json", publishedGrantsSchema()],
  ] as const) {
    if (process.argv.includes("--write")) {
      writeFileSync(at(file), text);
    } else if (readFileSync(at(file), "utf8") !== text) {
      console.error(`${file} is not what its source gives: run \`npm run schema\`.`);
      process.exitCode = 1;
    }
  }
}
