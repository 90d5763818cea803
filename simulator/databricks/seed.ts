/**
 * Puts into the workspaces what the scenario says is there at the start.
 */
import type { JsonObject } from "../json.ts";
import type { Account, Workspace } from "./account.ts";
import type { Kind } from "./acls.ts";
import { parentOf, plainPath } from "./file-tree.ts";
import { JobSettings } from "./job-shape.ts";
import { PipelineSpec } from "./pipelines.ts";
import { type ParsedScenario, parseStrictly, ScenarioError } from "./scenario.ts";

/** Fills a new account. Throws ScenarioError for what names something that is not there. */
export function seed(account: Account): void {
  const { scenario } = account;
  const there = (name: string, key: string): Workspace => {
    const workspace = account.workspaces.get(name);
    if (workspace === undefined) throw new ScenarioError(`databricks.${key}: no workspace is called ${name}`);
    return workspace;
  };
  for (const [name, jobs] of Object.entries(scenario.jobs)) {
    for (const [index, job] of jobs.entries())
      seedJob(account, there(name, "jobs"), job, `databricks.jobs.${name}.${index}`);
  }
  for (const [name, pipelines] of Object.entries(scenario.pipelines)) {
    const workspace = there(name, "pipelines");
    for (const [index, { id, owner, spec, permissions }] of pipelines.entries()) {
      parseStrictly(PipelineSpec, spec, `databricks.pipelines.${name}.${index}.spec`);
      const pipeline = workspace.pipelines.create(spec as JsonObject, account.directory.nameOf(owner), id);
      addPermissions(account, workspace, "pipelines", pipeline.id, permissions);
    }
  }
  for (const [name, files] of Object.entries(scenario.files)) {
    const workspace = there(name, "files");
    for (const [path, file] of Object.entries(files)) seedFile(account, workspace, path, file);
  }
}

type Seeded = ParsedScenario["jobs"][string][number];

function seedJob(account: Account, workspace: Workspace, job: Seeded, at: string): void {
  parseStrictly(JobSettings, job.settings, `${at}.settings`);
  const owner = account.directory.nameOf(job.owner);
  const id = job.id === undefined ? account.nextId() : BigInt(job.id);
  const made = workspace.jobs.create(job.settings as JsonObject, owner, id);
  addPermissions(account, workspace, "jobs", String(made.id), job.permissions);
  for (let count = 0; count < job.active_runs; count++) {
    const run = workspace.jobs.start(made, { trigger: "PERIODIC", creator: owner });
    run.course = { ...run.course, polls: Number.POSITIVE_INFINITY };
    run.state = "RUNNING";
  }
}

function seedFile(
  account: Account,
  workspace: Workspace,
  given: string,
  file: ParsedScenario["files"][string][string],
): void {
  const path = plainPath(given);
  const {
    content = "",
    base64,
    notebook,
    directory,
    permissions,
  } = typeof file === "string" ? { content: file } : file;
  workspace.files.mkdirs(undefined, directory === true ? path : parentOf(path));
  if (directory !== true) {
    const bytes = Buffer.from(base64 ?? content, base64 === undefined ? "utf8" : "base64");
    workspace.files.write(undefined, path, { bytes, language: notebook, overwrite: true });
  }
  const node = workspace.files.at(path);
  if (node !== undefined && permissions !== undefined) {
    addPermissions(account, workspace, node.kind, String(node.id), permissions);
  }
}

function addPermissions(
  { directory }: Account,
  { acls }: Workspace,
  kind: Kind,
  id: string,
  permissions: readonly { principal: string; level: string }[],
): void {
  const local = (key: string) => (key === "users" || key === "admins" ? key : directory.nameOf(key));
  const added = permissions.map(({ principal, level }) => ({ principal: local(principal), level }));
  acls.set(kind, id, [...acls.of(kind, id), ...added]);
}
