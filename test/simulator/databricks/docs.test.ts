import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DatabricksSchema, parseStrictly } from "../../../simulator/databricks/scenario.ts";
import { parseScenario } from "../../../simulator/scenario.ts";

const page = readFileSync(new URL("../../../docs/scenario.md", import.meta.url), "utf8");

describe("docs/scenario.md", () => {
  it("shows a scenario that can be run", () => {
    const example = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? "";
    const { databricks, github } = parseScenario(example, "docs/scenario.md");
    expect(Object.keys(databricks?.workspaces ?? {})).toEqual(["dev", "prod"]);
    expect(github?.repository).toBe("acme/ml-pipelines");
  });

  it("names every key and every behaviour with its default", () => {
    const [, keys = "", behaviours = ""] = /## `databricks:`(.*?)### Behaviours(.*?)## `github:`/s.exec(page) ?? [];
    for (const key of Object.keys(DatabricksSchema.entries)) expect(keys).toContain(`| \`${key}\` |`);
    const defaults = parseStrictly(DatabricksSchema, { workspaces: {} }, "test").behaviours;
    const rows = [...behaviours.matchAll(/^\| `(\w+)` \| (\S+), /gm)].map(([, name, value]) => [name, value]);
    expect(rows).toEqual(Object.entries(defaults).map(([name, value]) => [name, String(value)]));
  });
});
