import { describe, expect, test } from "vitest";
import { HEAD, render } from "./bundles.ts";

const JOB = `${HEAD}
resources:
  jobs:
    score:
      name: score
      schedule: { quartz_cron_expression: 0 0 6 * * ?, timezone_id: UTC }
      tasks:
        - task_key: score
          notebook_task: { notebook_path: ./src/score.py }
`;
const NOTEBOOK = "# Databricks notebook source\nprint(1)\n";

describe("a rendered job", () => {
  test("has the API's fields, the tier's pause status, defaults and the suite's tags", () => {
    const { rendered, lines } = render({ "databricks.yml": JOB, "src/score.py": NOTEBOOK }, "staging");
    expect(lines).toEqual([]);
    expect(rendered?.resources.get("jobs.score")?.settings).toEqual({
      name: "score",
      schedule: { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC", pause_status: "PAUSED" },
      tasks: [{ task_key: "score", notebook_task: { notebook_path: "${release}/src/score" } }],
      max_concurrent_runs: 1,
      queue: { enabled: true },
      tags: { four_tier_project: "demo", four_tier_tier: "staging", four_tier_key: "jobs.score" },
    });
  });

  test("runs by its schedule in prod alone", () => {
    const { rendered } = render({ "databricks.yml": JOB, "src/score.py": NOTEBOOK }, "prod");
    expect(rendered?.resources.get("jobs.score")?.settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
  });
});
