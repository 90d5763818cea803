/**
 * The state of the simulated account: its clock, its people, its metastore, its workspaces.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { tell } from "../witness.ts";
import { Acls } from "./acls.ts";
import { ExperimentStore } from "./experiments.ts";
import { FileTree } from "./file-tree.ts";
import { JobStore } from "./job-store.ts";
import { PipelineStore } from "./pipeline-store.ts";
import { Directory } from "./principals.ts";
import type { ParsedScenario } from "./scenario.ts";
import { Metastore } from "./unity-state.ts";

/** Time that tests can move forward. */
class Clock {
  #offset = 0;

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#offset;
  }

  advance(seconds: number): void {
    this.#offset += seconds * 1000;
  }
}

/** One workspace, with everything that lives only there. */
export class Workspace {
  readonly name: string;
  /** The number in X-Databricks-Org-Id. */
  readonly id: string;
  /** Set when its server listens. */
  url = "";
  readonly acls: Acls;
  readonly jobs: JobStore;
  readonly pipelines: PipelineStore;
  readonly files: FileTree;
  readonly experiments: ExperimentStore;

  constructor(account: Account, name: string, id: string) {
    this.name = name;
    this.id = id;
    this.acls = new Acls(account.directory, name);
    this.jobs = new JobStore(account, this);
    this.pipelines = new PipelineStore(account, this);
    this.files = new FileTree(account, this);
    this.experiments = new ExperimentStore(account, this);
  }
}

/** One account; everything else of the simulator hangs on it. */
export class Account {
  readonly id: string;
  readonly scenario: ParsedScenario;
  readonly behaviours: ParsedScenario["behaviours"];
  /** The route that is being answered. */
  readonly asked = new AsyncLocalStorage<string>();
  /** Behaviours that something asked for turned on, and by which routes. */
  readonly met = new Map<string, Set<string>>();
  readonly clock = new Clock();
  readonly directory: Directory;
  readonly workspaces = new Map<string, Workspace>();
  readonly metastore: Metastore;
  /** Set when the account's own server listens. */
  url = "";
  #lastId = 8_728_374_651_029_384_757n;

  constructor(scenario: ParsedScenario) {
    this.id = scenario.account_id;
    this.scenario = scenario;
    this.behaviours = new Proxy(scenario.behaviours, {
      get: (behaviours, name) => {
        const routes = this.met.get(String(name)) ?? new Set();
        const route = this.asked.getStore() ?? "none";
        this.met.set(String(name), routes.add(route));
        const value = Reflect.get(behaviours, name) as unknown;
        tell({
          question: `databricks.behaviours.${String(name)}`,
          answer: String(value),
          place: `databricks ${route}`,
        });
        return value;
      },
    });
    this.directory = new Directory(scenario, scenario.account_id);
    for (const [name, { id }] of Object.entries(scenario.workspaces))
      this.workspaces.set(name, new Workspace(this, name, id));
    this.metastore = new Metastore(this, scenario);
  }

  /** A new int64, far beyond what a JavaScript number holds (facts: databricks-api 2.5). */
  nextId(): bigint {
    this.#lastId += 104_729n;
    return this.#lastId;
  }
}
