/**
 * The account as a test or the demo sees it from outside: reading, and changing by hand what nobody asked the API to change.
 * No permission is checked here, and nothing of it is in the request log.
 */
import { copy, type JsonObject } from "../json.ts";
import type { Account, Workspace } from "./account.ts";
import { parentOf, plainPath } from "./file-tree.ts";
import { objectAt } from "./job-settings.ts";
import { type Job, nameOf } from "./job-store.ts";
import type { Pipeline } from "./pipeline-store.ts";
import type { Principal } from "./principals.ts";
import type { Run, RunResult } from "./run.ts";
import { applyChanges } from "./unity-grants.ts";
import type { Securable } from "./unity-state.ts";

/** One job or pipeline, as the closing picture shows it. */
interface Picture {
  readonly kind: "job" | "pipeline";
  readonly id: string;
  readonly name: string;
  /** What starts it: `schedule`, `continuous`, `trigger`, `triggers`; undefined: only by hand. */
  readonly starts: string | undefined;
  readonly paused: boolean | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly activeRuns: number;
  readonly owner: string;
}

/** The hand and the eye of whoever plays a scene. */
export class World {
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /** A principal by its name in the scenario. */
  principal(name: string): Principal {
    const found = this.#account.directory.principals.get(name);
    if (found === undefined) throw new Error(`no principal is called ${name}`);
    return found;
  }

  /** Everything of one workspace; for what has no method here. */
  workspace(name: string): Workspace {
    const found = this.#account.workspaces.get(name);
    if (found === undefined) throw new Error(`no workspace is called ${name}`);
    return found;
  }

  jobs(workspace: string): Job[] {
    return this.workspace(workspace).jobs.all;
  }

  /** The one job of this name or id; throws when there is none or more. */
  job(workspace: string, nameOrId: string | bigint): Job {
    const found = this.jobs(workspace).filter((job) => String(job.id) === String(nameOrId) || nameOf(job) === nameOrId);
    const [job] = found;
    if (job === undefined || found.length > 1)
      throw new Error(`${found.length} jobs are called ${nameOrId} in ${workspace}`);
    return job;
  }

  /** Somebody edits a job in the UI. `change` gets a copy of the settings and may alter it. */
  changeJob(workspace: string, nameOrId: string | bigint, change: (settings: JsonObject) => void): void {
    const job = this.job(workspace, nameOrId);
    const settings = copy(job.settings);
    change(settings);
    this.workspace(workspace).jobs.change(job, settings);
  }

  createJob(workspace: string, owner: string, settings: JsonObject): Job {
    return this.workspace(workspace).jobs.create(settings, this.#account.directory.nameOf(owner));
  }

  deleteJob(workspace: string, nameOrId: string | bigint): void {
    this.workspace(workspace).jobs.delete(this.job(workspace, nameOrId));
  }

  runs(workspace: string, nameOrId: string | bigint): Run[] {
    const { id } = this.job(workspace, nameOrId);
    return this.workspace(workspace).jobs.runs.filter((run) => run.jobId === id);
  }

  /** The scheduler starts a run that stays active until it is told to end or cancelled. */
  startRun(workspace: string, nameOrId: string | bigint): Run {
    const job = this.job(workspace, nameOrId);
    const run = this.workspace(workspace).jobs.start(job, { trigger: "PERIODIC", creator: job.creator });
    run.course = { ...run.course, polls: Number.POSITIVE_INFINITY };
    return run;
  }

  finishRun(workspace: string, run: Run, result: RunResult = "SUCCESS"): void {
    this.workspace(workspace).jobs.end(run, result);
  }

  pipelines(workspace: string): Pipeline[] {
    return this.workspace(workspace).pipelines.all;
  }

  pipeline(workspace: string, nameOrId: string): Pipeline {
    const found = this.pipelines(workspace).filter(({ id, spec }) => id === nameOrId || spec["name"] === nameOrId);
    const [pipeline] = found;
    if (pipeline === undefined || found.length > 1)
      throw new Error(`${found.length} pipelines are called ${nameOrId} in ${workspace}`);
    return pipeline;
  }

  createPipeline(workspace: string, owner: string, spec: JsonObject): Pipeline {
    return this.workspace(workspace).pipelines.create(spec, this.#account.directory.nameOf(owner));
  }

  changePipeline(workspace: string, nameOrId: string, change: (spec: JsonObject) => void): void {
    const pipeline = this.pipeline(workspace, nameOrId);
    const spec = copy(pipeline.spec);
    change(spec);
    this.workspace(workspace).pipelines.replace(pipeline, spec);
  }

  /** Paths of all files and notebooks below a folder, sorted, without the prefix /Workspace. */
  files(workspace: string, folder = "/"): string[] {
    const below = plainPath(folder);
    return this.workspace(workspace)
      .files.all.filter(({ kind, path }) => kind !== "directories" && (below === "/" || path.startsWith(`${below}/`)))
      .map(({ path }) => path)
      .sort();
  }

  readFile(workspace: string, path: string): Uint8Array | undefined {
    return this.workspace(workspace).files.at(plainPath(path))?.bytes;
  }

  writeFile(workspace: string, path: string, content: string | Uint8Array): void {
    const { files } = this.workspace(workspace);
    const plain = plainPath(path);
    files.mkdirs(undefined, parentOf(plain));
    files.write(undefined, plain, {
      bytes: Buffer.from(content),
      language: files.at(plain)?.language,
      overwrite: true,
    });
  }

  /** Changes one byte of a file, in its middle. */
  flipByte(workspace: string, path: string): void {
    const node = this.workspace(workspace).files.at(plainPath(path));
    if (node === undefined || node.bytes.length === 0) throw new Error(`${path} has no bytes in ${workspace}`);
    const bytes = Buffer.from(node.bytes);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    node.bytes = bytes;
  }

  /** Any catalog, schema, table, volume, function or model by its full name; `metastore` is the metastore. */
  securable(fullName: string): Securable {
    return this.#account.metastore.named(fullName);
  }

  /** What was written to the metastore, experiments and permissions, as text to search: names, comments, tags, grants. */
  notes(): Record<string, string> {
    const below = (securable: Securable): Securable[] => [
      securable,
      ...[...securable.children.values()].flatMap((child) => below(child)),
    ];
    const { root } = this.#account.metastore;
    const securables = below(root).map(
      ({ fullName, comment, properties, storageRoot, grants, columns }): [string, string] => [
        `metastore ${fullName}`,
        JSON.stringify([fullName, comment, properties, storageRoot, [...grants.keys()], columns]),
      ],
    );
    const experiments = [...this.#account.workspaces.values()].map(({ name, experiments }): [string, string] => [
      `${name}'s experiments`,
      JSON.stringify(experiments.all.map((one) => [one.name, ...one.tags])),
    ]);
    const permissions = [...this.#account.workspaces.values()].map(({ name, acls }): [string, string] => [
      `${name}'s permissions`,
      JSON.stringify(acls.all),
    ]);
    return Object.fromEntries([...securables, ...experiments, ...permissions]);
  }

  has(catalog: string): boolean {
    return this.#account.metastore.catalogs.some(({ name }) => name === catalog);
  }

  /** Somebody makes a table or the like in a schema, now; owned by whoever owns the schema. */
  add(schema: string, type: "table" | "volume" | "function" | "model", name: string): Securable {
    const parent = this.securable(schema);
    return this.#account.metastore.add(type, name, parent, parent.owner);
  }

  /** Somebody grants by hand; `principal` as the scenario calls it. */
  grant(fullName: string, principal: string, privileges: readonly string[]): void {
    const name = this.#account.directory.nameOf(principal);
    applyChanges(this.#account, this.securable(fullName), [{ principal: name, add: privileges, remove: [] }]);
  }

  revoke(fullName: string, principal: string, privileges: readonly string[]): void {
    const name = this.#account.directory.nameOf(principal);
    applyChanges(this.#account, this.securable(fullName), [{ principal: name, add: [], remove: privileges }]);
  }

  /** Direct grants of an object: principal, as the scenario calls it -> privileges, sorted. */
  grants(fullName: string): Record<string, string[]> {
    const assignments = [...this.securable(fullName).grants.values()];
    return Object.fromEntries(
      assignments.map(({ principal, principalId, privileges }) => [
        this.#account.directory.byName(principal)?.key ?? (principal === "" ? `#${principalId}` : principal),
        [...privileges].sort(),
      ]),
    );
  }

  setOwner(fullName: string, principal: string): void {
    this.securable(fullName).owner = this.#account.directory.nameOf(principal);
  }

  /** Binds a catalog to a workspace; undefined takes the binding away. */
  bind(catalog: string, workspace: string, binding: "READ_WRITE" | "READ_ONLY" | undefined): void {
    const { bindings } = this.securable(catalog);
    if (binding === undefined) bindings.delete(workspace);
    else bindings.set(workspace, binding);
  }

  /** What runs in a workspace, sorted by kind and name. */
  picture(workspace: string): Picture[] {
    const { jobs, pipelines, acls } = this.workspace(workspace);
    const ownerOf = (kind: "jobs" | "pipelines", id: string) => {
      const owner = acls.of(kind, id).find(({ level }) => level === "IS_OWNER")?.principal ?? "";
      return this.#account.directory.byName(owner)?.key ?? owner;
    };
    const pictures = [
      ...jobs.all.map((job): Picture => {
        const starts = ["schedule", "continuous", "trigger", "triggers"].find(
          (name) => job.settings[name] !== undefined,
        );
        return {
          kind: "job",
          id: String(job.id),
          name: nameOf(job),
          starts,
          paused: starts === undefined ? undefined : isPaused(job.settings, starts),
          tags: objectAt(job.settings, "tags") as Record<string, string>,
          activeRuns: jobs.active(job).length,
          owner: ownerOf("jobs", String(job.id)),
        };
      }),
      ...pipelines.all.map((pipeline): Picture => {
        const continuous = pipeline.spec["continuous"] === true;
        return {
          kind: "pipeline",
          id: pipeline.id,
          name: pipeline.spec["name"] as string,
          starts: continuous ? "continuous" : undefined,
          paused: continuous ? false : undefined,
          tags: objectAt(pipeline.spec, "tags") as Record<string, string>,
          activeRuns: pipelines.active(pipeline) === undefined ? 0 : 1,
          owner: ownerOf("pipelines", pipeline.id),
        };
      }),
    ];
    return pictures.sort((a, b) => a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name));
  }
}

function isPaused(settings: JsonObject, starts: string): boolean {
  const entries = starts === "triggers" ? (settings["triggers"] as JsonObject[]) : [objectAt(settings, starts)];
  return entries.every((entry) => entry["pause_status"] === "PAUSED");
}
