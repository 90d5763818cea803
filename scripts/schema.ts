/** Writes or checks four-tier.schema.json, the published JSON Schema of the contract: --write | --check. */
import { readFileSync, writeFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import { contractSchema } from "../src/contract/schema.ts";

const PATH = new URL("../four-tier.schema.json", import.meta.url);

/** The published schema as text: what an editor checks while the file is being written. */
export function publishedSchema(): string {
  const { $schema, title, description, ...rest } = toJsonSchema(contractSchema, {
    target: "draft-07",
    typeMode: "input",
  });
  return `${JSON.stringify({ $schema, title, description, ...rest }, null, 2)}\n`;
}

if (import.meta.main) {
  if (process.argv.includes("--write")) {
    writeFileSync(PATH, publishedSchema());
  } else if (readFileSync(PATH, "utf8") !== publishedSchema()) {
    console.error("four-tier.schema.json is not what src/contract/schema.ts gives: run `npm run schema`.");
    process.exitCode = 1;
  }
}
