/** Nothing is modelled that GitHub does not document: each route and its query, held against GitHub's description of its API. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { modelledRoutes } from "../../../simulator/github/server.ts";

const file = createRequire(import.meta.url)
  .resolve("@octokit/openapi-types/package.json")
  .replace("package.json", "types.d.ts");
const text = readFileSync(file, "utf8");

/** `GET /repos/{}/{}/deployments` -> `repos/list-deployments`. */
const operations = new Map<string, string>(
  [...text.matchAll(/^  "(\/repos\/[^"]+)": \{\n([\s\S]*?)^  \};/gm)].flatMap(([, path = "", body = ""]) =>
    [...body.matchAll(/^    (get|post|put|patch|delete): operations\["([^"]+)"\];/gm)].map(
      ([, method = "", id = ""]) => [`${method.toUpperCase()} ${anonymous(path)}`, id] as const,
    ),
  ),
);

function anonymous(path: string): string {
  return path.replaceAll(/\{[^}]+\}/g, "{}");
}

/** The names of an operation's query parameters. */
function documented(id: string): string[] {
  const start = text.indexOf(`\n  "${id}": {\n    parameters: {`);
  const operation = text.slice(start, text.indexOf("\n  };", start));
  const query = /^      query\??: \{\n([\s\S]*?)^      \};/m.exec(operation)?.[1] ?? "";
  return [...query.matchAll(/^        "?([\w-]+)"?\??:/gm)].map(([, name = ""]) => name);
}

const routes = modelledRoutes().filter(({ route }) => !route.includes("/_storage/"));

it("the description is read", () => {
  expect(operations.size).toBeGreaterThan(300);
  expect(documented("repos/list-deployments")).toEqual(["sha", "ref", "task", "environment", "per_page", "page"]);
  expect(documented("actions/get-reviews-for-run")).toEqual([]);
});

it.each(routes)("$route is documented, with each parameter that is modelled", ({ route, query }) => {
  // what is asked for is always the one format that there is
  const id = operations.get(anonymous(route.replace(/\/zip$/, "/{format}"))) ?? "";
  expect(id).not.toBe("");
  const names = documented(id);
  expect(query.filter((name) => !names.includes(name))).toEqual([]);
});
