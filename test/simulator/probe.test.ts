/** probe.yml as it would run on github.com, against the simulators: each position of what it asks gives its own answer. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { BEHAVIOURS } from "../../simulator/databricks/behaviours.ts";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { startDatabricks } from "../../simulator/databricks/server.ts";
import type { GitHubScenarioInput } from "../../simulator/github/scenario.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { BY_HAND } from "../../probe/verdicts.ts";
import { logOf, workflow } from "./runner/harness.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const YML = ".github/workflows/probe.yml";
const ID = "11111111-1111-4111-8111-111111111111";
const SECRET = "dose-canary-probe-4711";

const listed = [...read("docs/assumptions.md").matchAll(/^\| (A\d+) \|/gm)].map(([, id = ""]) => id);

async function probe(
  behaviours: NonNullable<DatabricksScenario["behaviours"]> = {},
  more: { github?: GitHubScenarioInput; confirm?: string; catalog?: string } = {},
) {
  const databricks = await startDatabricks({
    workspaces: { dev: { id: "1111111111111111" } },
    service_principals: { probe: { application_id: ID, workspaces: ["dev"], secrets: [SECRET] } },
    catalogs: { scratch: { owner: "probe", schemas: { default: {} } } },
    behaviours,
  });
  const files = Object.fromEntries(
    readdirSync(new URL("probe/", ROOT)).map((name) => [`probe/${name}`, read(`probe/${name}`)]),
  );
  const world = await workflow("on: push\njobs: { a: { runs-on: x, steps: [{ run: x }] } }\n", {
    files: { ...files, [YML]: read(YML) },
    scenario: {
      environments: {
        probe: { secrets: { DATABRICKS_CLIENT_SECRET: SECRET } },
        "probe-gated": { reviewers: ["hubot"] },
      },
      ...more.github,
    },
    runner: { reviewer: () => Promise.resolve({ user: "hubot", state: "approved", comment: "" }) },
  });
  onTestFinished(async () => {
    await world[Symbol.asyncDispose]();
    await databricks.close();
  });
  const run = await world.runner.dispatch({
    event: "workflow_dispatch",
    workflow: YML,
    actor: "octocat",
    inputs: {
      confirm: more.confirm ?? "acme/ml-pipelines",
      host: databricks.workspaces["dev"]?.url ?? "",
      "client-id": ID,
      catalog: more.catalog ?? "scratch",
    },
  });
  expect([databricks.unmodelled, world.github.unmodelled]).toEqual([[], []]);
  expect(logOf(run)).not.toContain(SECRET);
  return { run, databricks };
}

/** `A9` → `as assumed`. */
function found(run: RunResult): Map<string, string> {
  return new Map([...logOf(run).matchAll(/^(A\d+): ([a-z ]+):/gm)].map(([, id = "", verdict = ""]) => [id, verdict]));
}

describe("the probe", () => {
  it("speaks of every line of docs/assumptions.md and of no other, and leaves nothing behind", async () => {
    const { run, databricks } = await probe();
    expect(run.conclusion).toBe("success");
    expect([...found(run).keys()]).toEqual(listed);
    const tried = [...found(run)].filter(([id]) => !(id in BY_HAND) && id !== "A4" && id !== "A28");
    expect(tried.filter(([, verdict]) => verdict !== "as assumed")).toEqual([]);
    expect(databricks.world.jobs("dev")).toEqual([]);
    expect(databricks.world.pipelines("dev")).toEqual([]);
    expect(databricks.world.files("dev", `/Users/${ID}`)).toEqual([]);
    expect(run.jobs.find(({ name }) => name === "probe")?.summary).toContain("| A9 | as assumed |");
  });

  const turned = BEHAVIOURS.filter(({ assumption }) => !(assumption in BY_HAND)).filter(
    // not asked: it needs an update that runs; an empty page can be seen, its absence proves nothing
    ({ name }) => name !== "update_while_active" && name !== "empty_pages",
  );
  it("tells every other position from the default", async () => {
    const { run } = await probe(Object.fromEntries(turned.map(({ name, values }) => [name, values[1]])));
    const answers = turned.map(({ name, assumption }) => [name, found(run).get(assumption)]);
    expect(answers).toEqual(turned.map(({ name }) => [name, "otherwise"]));
    expect(turned.length).toBeGreaterThan(8);
    // one line, two questions
    expect(logOf(run)).toMatch(/^A11: .*name used twice: 409.*stale expected_last_modified: 400/m);
  });

  it("settles the rights of a token in a private repository, and an empty page", async () => {
    const { run } = await probe({ empty_pages: true }, { github: { visibility: "private", plan: "enterprise" } });
    expect(found(run).get("A4")).toBe("as assumed");
    expect(found(run).get("A28")).toBe("as assumed");
  });

  it("does nothing without the repository's name, and asks nothing of a catalog that is not given", async () => {
    const refused = await probe({}, { confirm: "yes" });
    expect(refused.run.conclusion).toBe("failure");
    expect(refused.databricks.requests).toEqual([]);
    const { run } = await probe({}, { catalog: "" });
    expect(run.conclusion).toBe("success");
    expect(found(run).get("A14")).toBe("not tried");
  });
});
