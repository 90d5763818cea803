import { describe, expect, test } from "vitest";
import { compareStagingAndProd } from "../../src/bundle/parity.ts";
import { parseContract } from "../../src/contract/parse.ts";
import { CLIENT_IDS, contract, line, NOW } from "./bundles.ts";
import { memorySource } from "./memory.ts";

function compare(databricks: string, more = "", head = "bundle: { name: demo }\n") {
  const of = more === "" ? contract() : contract(more);
  return compareStagingAndProd(memorySource({ "databricks.yml": head + databricks }), {
    root: "",
    contract: of,
    now: NOW,
  });
}

const JOB = `
resources:
  jobs:
    a:
      name: a
      parameters:
        - { name: catalog, default: "\${var.catalog}" }
        - { name: table, default: "\${var.catalog}.gold.x in \${bundle.target}" }
        - { name: who, default: "\${workspace.current_user.userName} \${workspace.current_user.short_name}" }
      tasks:
        - { task_key: one, condition_task: { op: EQUAL_TO, left: a, right: b } }
        - { task_key: two, max_retries: 1, condition_task: { op: EQUAL_TO, left: a, right: b } }
variables:
  catalog: { default: dev }
  env: { default: none }
`;

describe("staging and prod", () => {
  test("may differ in catalog, names, hosts, principals and schedules", () => {
    const targets = `targets:
  staging:
    variables: { catalog: staging, env: staging }
    presets: { name_prefix: "stg " }
    resources: { jobs: { a: { schedule: { quartz_cron_expression: y, timezone_id: UTC }, description: "runs as ${CLIENT_IDS.staging} on https://stg.cloud.databricks.com", tags: { env: "\${var.env}" } } } }
  prod:
    variables: { catalog: prod, env: prod }
    resources:
      jobs:
        a:
          description: "runs as ${CLIENT_IDS.prod} on https://prd.cloud.databricks.com"
          tags: { env: "\${var.env}" }
          schedule: { quartz_cron_expression: x, timezone_id: UTC }
`;
    expect(compare(JOB + targets)).toEqual([]);
  });

  test("show no secret in what differs", () => {
    const job = (secret: string) =>
      `resources: { jobs: { a: { parameters: [{ name: catalog, default: x }, { name: api_token, default: ${secret} }], tags: { see: "https://mona:${secret}@example.com" } } } }`;
    const found = compare(`${JOB}targets:\n  staging: { ${job("hunter2")} }\n  prod: { ${job("hunter3")} }\n`);
    const text = JSON.stringify(found);
    expect(text).toContain('parameters[api_token].default` is `\\"***\\"` in prod');
    expect(text).toContain("tags.see");
    expect(text).not.toContain("hunter");
  });

  test("may not differ in anything else: each field is a finding where prod says it", () => {
    const targets = `targets:
  staging: { resources: { jobs: { a: { tasks: [{ task_key: zero, condition_task: { op: EQUAL_TO, left: a, right: b } }] } } } }
  prod:
    resources:
      jobs:
        a:
          timeout_seconds: 60
          tasks:
            - { task_key: two, max_retries: 3 }
`;
    const findings = compare(JOB + targets);
    expect(findings.map(line)).toEqual([
      "error bundle/differs-from-staging databricks.yml:18:48",
      "error bundle/differs-from-staging databricks.yml:23:28",
      "error bundle/differs-from-staging databricks.yml:25:45",
    ]);
    expect(findings.at(-1)?.message).toBe("jobs.a: `tasks[two].max_retries` is `3` in prod and `1` in staging.");
    expect(findings.at(-1)?.remedy).toContain("`jobs.a.tasks[two].max_retries`");
  });

  test("a resource of one of them alone is a finding", () => {
    const targets = "targets: { staging: {}, prod: { resources: { jobs: { b: { name: b } } } } }\n";
    const alone = compare(JOB + targets);
    expect(alone.map(line)).toEqual(["error bundle/differs-from-staging databricks.yml:17:54"]);
    expect(alone[0]?.message).toBe("jobs.b is in prod and not in staging.");
    const [other] = compare(`${JOB}targets: { staging: { resources: { jobs: { b: { name: b } } } }, prod: {} }\n`);
    expect(other?.message).toBe("jobs.b is in staging and not in prod.");
  });

  test("the contract may allow a field, or a whole resource", () => {
    const targets =
      "targets: { staging: {}, prod: { resources: { jobs: { a: { timeout_seconds: 1, queue: { enabled: false } }, b: { name: b } } } } }\n";
    expect(compare(JOB + targets)).toHaveLength(3);
    const text = `project: demo
tiers:
  dev: { workspace: https://dev.cloud.databricks.com }
  staging: { workspace: https://stg.cloud.databricks.com }
  prod:
    workspace: https://prd.cloud.databricks.com
    may_differ_from_staging: [jobs.a.timeout_seconds, jobs.a.queue, jobs.b]
`;
    expect(
      compareStagingAndProd(memorySource({ "databricks.yml": `bundle: { name: demo }\n${JOB}${targets}` }), {
        root: "",
        contract: contractOf(text),
        now: NOW,
      }),
    ).toEqual([]);
  });

  test("a word that only happens to be a catalog's name is no difference", () => {
    const job = `
resources: { jobs: { a: { name: a, description: "prod is fine, \${var.catalog} too" } } }
variables: { catalog: { default: x } }
targets: { staging: {}, prod: {} }
`;
    expect(compare(job)).toEqual([]);
  });

  test("a bundle that does not render is judged elsewhere", () => {
    expect(compare("targets: { staging: {} }\n")).toEqual([]);
  });
});

function contractOf(text: string) {
  const parsed = parseContract(text, "four-tier.yml", { allowedHosts: [] });
  if (parsed.contract === undefined) throw new Error("invalid contract in the test");
  return parsed.contract;
}
