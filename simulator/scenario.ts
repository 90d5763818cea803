/**
 * A scenario file: YAML with two halves, `databricks:` and `github:` (docs/scenario.md).
 */
import { parseDocument } from "yaml";
import { DatabricksSchema, type ParsedScenario, parseStrictly, ScenarioError } from "./databricks/scenario.ts";
import { type GitHubScenario, parseGitHubScenario } from "./github/scenario.ts";

/** Both halves; undefined for one that the file does not have. */
export interface Scenario {
  readonly databricks: ParsedScenario | undefined;
  readonly github: GitHubScenario | undefined;
}

/** Reads a scenario file's text. Throws ScenarioError, naming `file` and every wrong key. */
export function parseScenario(text: string, file: string): Scenario {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) throw new ScenarioError(`${file}: ${error.message}`);
  const value: unknown = document.toJS();
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ScenarioError(`${file}: a scenario is a map with the keys databricks and github`);
  }
  const unknown = Object.keys(value).filter((key) => key !== "databricks" && key !== "github");
  if (unknown.length > 0) throw new ScenarioError(`${file}: unknown key ${unknown.join(", ")}`);
  const { databricks, github } = value as { databricks?: unknown; github?: unknown };
  return {
    databricks:
      databricks === undefined ? undefined : parseStrictly(DatabricksSchema, databricks, `${file}: databricks`),
    github: github === undefined ? undefined : parseGitHubPart(github, file),
  };
}

function parseGitHubPart(value: unknown, file: string): GitHubScenario {
  try {
    return parseGitHubScenario(value);
  } catch (error) {
    throw new ScenarioError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
