/** probe.yml as it would run on github.com, against the simulators: each position of what it asks gives its own answer. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { BEHAVIOURS } from "../../simulator/databricks/behaviours.ts";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import { startDatabricks } from "../../simulator/databricks/server.ts";
import type { GitHubScenarioInput } from "../../simulator/github/scenario.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { logOf, workflow } from "./runner/harness.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const YML = ".github/workflows/probe.yml";
const ID = "11111111-1111-4111-8111-111111111111";
const SECRET = "dose-canary-probe-4711";

/** `A9` → `probe, files: import twice`: how the page says that a line is confirmed. */
const confirmed = new Map(
  [...read("docs/assumptions.md").matchAll(/^\| (A\d+) \|.*\| ([^|]+) \|$/gm)].map(([, id = "", how = ""]) => [
    id,
    how,
  ]),
);
const byProbe = (id: string): boolean => confirmed.get(id)?.startsWith("probe, ") === true;

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
        "probe-elsewhere": { branch_policy: ["nowhere"] },
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
  return new Map([...logOf(run).matchAll(/^(A\d+): ([a-z ]+) \(/gm)].map(([, id = "", verdict = ""]) => [id, verdict]));
}

const conclusions = (run: RunResult): Record<string, string> =>
  Object.fromEntries(run.jobs.map(({ name, conclusion }) => [name, conclusion]));

describe("the probe", () => {
  it("speaks of every line of docs/assumptions.md that it is said to settle, by the step that is named, and of no other", async () => {
    const { run } = await probe();
    const steps = [...logOf(run).matchAll(/^(A\d+): [a-z ]+ \(([a-z-]+)\):/gm)].map(([, id, step]) => `${id} ${step}`);
    const said = [...confirmed].flatMap(([id, how]) => {
      const [, step] = /^probe, ([a-z-]+): \S/.exec(how) ?? [];
      return step === undefined ? [] : [`${id} ${step}`];
    });
    expect(steps).toEqual(said);
    const others = [...confirmed.values()].filter((how) => !how.startsWith("probe, "));
    expect(others.filter((how) => !/^not by the probe: [^;]{10,}; \S/.test(how))).toEqual([]);
    expect(said.length + others.length).toBeGreaterThanOrEqual(40);
  });

  it("finds the simulators as assumed, and leaves nothing behind", async () => {
    const { run, databricks } = await probe();
    expect(conclusions(run)).toMatchObject({ nameless: "success", gated: "success", probe: "success" });
    expect(conclusions(run)["elsewhere"]).toBe("failure");
    // the repository is public, and no page is empty
    const tried = [...found(run)].filter(([id]) => id !== "A4" && id !== "A28");
    expect(tried.filter(([, verdict]) => verdict !== "as assumed")).toEqual([]);
    expect(databricks.world.jobs("dev")).toEqual([]);
    expect(databricks.world.pipelines("dev")).toEqual([]);
    expect(databricks.world.files("dev", `/Users/${ID}`)).toEqual([]);
    expect(run.jobs.find(({ name }) => name === "probe")?.summary).toContain("| A9 | files | as assumed |");
  });

  const turned = BEHAVIOURS.filter(({ assumption }) => byProbe(assumption)).filter(
    // not asked: it needs an update that runs; an empty page can be seen, its absence proves nothing; and each way in
    // which a file that is there is refused is as assumed
    ({ name }) => !["update_while_active", "empty_pages", "file_exists"].includes(name),
  );
  it("tells every other position of a workspace from the default", async () => {
    const { run } = await probe(Object.fromEntries(turned.map(({ name, values }) => [name, values[1]])));
    const answers = turned.map(({ name, assumption }) => [name, found(run).get(assumption)]);
    expect(answers).toEqual(turned.map(({ name }) => [name, "otherwise"]));
    expect(turned.length).toBeGreaterThan(8);
    // one line, two questions
    expect(logOf(run)).toMatch(/^A11: .*name used twice: 409.*stale expected_last_modified: 400/m);
  });

  it.each(["code", "text"] as const)("takes a file that is refused by its %s for refused", async (file_exists) => {
    const { run } = await probe({ file_exists });
    expect(found(run).get("A9")).toBe("as assumed");
  });

  it("tells a repository that is otherwise", async () => {
    const refused = (path: string) => ({ method: "GET", path, effect: 403, times: 9 });
    const { run } = await probe(
      {},
      {
        github: {
          visibility: "private",
          plan: "enterprise",
          assumptions: { branch_policy_without_deployment: false, job_tokens_read_roles: false },
          faults: [refused("/repos/acme/ml-pipelines/environments/probe-gated")],
        },
      },
    );
    const said = found(run);
    expect([said.get("A2"), said.get("A4"), said.get("A39")]).toEqual(["otherwise", "otherwise", "otherwise"]);
    expect(conclusions(run)["elsewhere"]).toBe("success");
  });

  it("settles the rights of a token in a private repository, and an empty page", async () => {
    const { run } = await probe({ empty_pages: true }, { github: { visibility: "private", plan: "enterprise" } });
    expect(found(run).get("A4")).toBe("as assumed");
    expect(found(run).get("A28")).toBe("as assumed");
  });

  it("does nothing without the repository's name, and asks nothing of a catalog that is not given", async () => {
    const refused = await probe({}, { confirm: "yes" });
    expect(conclusions(refused.run)).toMatchObject({ confirm: "failure", probe: "skipped" });
    expect(refused.databricks.requests).toEqual([]);
    const { run } = await probe({}, { catalog: "" });
    expect(conclusions(run)["probe"]).toBe("success");
    expect(found(run).get("A14")).toBe("not tried");
  });
});
