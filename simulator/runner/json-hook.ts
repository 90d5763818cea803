// Node refuses a JSON import without an attribute; @actions/workflow-parser publishes such imports.
// Loading JSON as a module with a default export is all it needs.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

registerHooks({
  load(url, context, nextLoad) {
    // CommonJS reads JSON by itself
    const required = context.conditions.includes("require");
    if (required || !url.startsWith("file:") || !url.endsWith(".json") || context.importAttributes?.type === "json") {
      return nextLoad(url, context);
    }
    return {
      format: "module",
      shortCircuit: true,
      source: `export default ${readFileSync(fileURLToPath(url), "utf8")};`,
    };
  },
});
