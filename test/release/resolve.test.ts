import { expect, test } from "vitest";
import { references, resolveSettings, unresolved } from "../../src/release/resolve.ts";

const context = {
  folder: "/Workspace/f",
  principal: "p",
  idOf: (key: string) => ({ "jobs.big": "9007199254740993", "jobs.small": "83", "pipelines.p": "ab-12" })[key],
};

test("symbols become folder, principal and ids; job ids are numbers where the API asks for one, exact to the last digit", () => {
  const settings = {
    path: "${release}/src/x",
    tags: { who: "${principal}" },
    tasks: [
      { run_job_task: { job_id: "${resources.jobs.big.id}" } },
      { run_job_task: { job_id: "${resources.jobs.small.id}" } },
      { pipeline_task: { pipeline_id: "${resources.pipelines.p.id}" } },
    ],
    parameters: [{ name: "job", default: "${resources.jobs.small.id}" }],
  };
  expect(resolveSettings(settings, context)).toEqual({
    path: "/Workspace/f/src/x",
    tags: { who: "p" },
    tasks: [
      { run_job_task: { job_id: 9007199254740993n } },
      { run_job_task: { job_id: 83 } },
      { pipeline_task: { pipeline_id: "ab-12" } },
    ],
    parameters: [{ name: "job", default: "83" }],
  });
  expect(references(settings).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "jobs.big",
    "jobs.small",
    "pipelines.p",
  ]);
});

test("what nobody gives stays, and is told", () => {
  const settings = resolveSettings({ a: ["${resources.jobs.none.id}", "${var.x}"] }, context);
  expect(unresolved(settings)).toEqual(["${resources.jobs.none.id}"]);
});

test("a folder's name is text, whatever it holds", () => {
  expect(resolveSettings({ path: "${release}/x" }, { ...context, folder: "/a/$&/$1" })).toEqual({ path: "/a/$&/$1/x" });
});
