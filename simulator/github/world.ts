/** What the simulated service remembers: people, pull requests, runs, deployments. Code itself stays in git. */
import { randomBytes } from "node:crypto";
import { Clones } from "./clones.ts";
import { ConcurrencyGroups } from "./concurrency.ts";
import type { Permissions } from "./permissions.ts";
import { effectiveSettings, madeInactive, reviewRefusal } from "./rules.ts";
import { branchRulesOf, type EnvironmentSettings, type GitHubScenario, type Role, unprotected } from "./scenario.ts";
import { timestamp } from "./text.ts";

/** The account of every job's token. */
export const ACTIONS_BOT = "github-actions[bot]";

interface Person {
  readonly login: string;
  readonly id: number;
  readonly name: string;
  readonly type: "User" | "Bot";
  readonly role: Role | "none";
}

/** An environment of the repository. */
export interface Environment {
  readonly id: number;
  readonly name: string;
  readonly createdAt: string;
  /** May be changed while the simulator runs, as an administrator would. */
  settings: EnvironmentSettings;
}

/** A review of a pull request, at the commit that its head was. */
interface Review {
  readonly id: number;
  readonly user: string;
  readonly state: "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED";
  readonly commit: string;
  readonly at: string;
}

/** A pull request. */
export interface Pull {
  readonly number: number;
  readonly id: number;
  readonly user: string;
  readonly title: string;
  readonly body: string;
  readonly headBranch: string;
  readonly headOwner: string;
  readonly base: string;
  readonly createdAt: string;
  headSha: string;
  baseSha: string;
  mergeSha: string | undefined;
  /** `made`: the commits that the merge put onto the base; `sha` is the last of them. */
  merged:
    | { readonly by: string; readonly at: string; readonly sha: string; readonly made: readonly string[] }
    | undefined;
  /** When it was closed without being merged. */
  closed?: string | undefined;
  /** Names; they may be changed at any time. */
  readonly labels: string[];
  readonly reviews: Review[];
  /** Its conversation takes comments of people who may write, and of nobody else. */
  locked?: boolean;
}

/** The states that the API takes and shows. */
export type DeploymentState =
  | "error"
  | "failure"
  | "inactive"
  | "in_progress"
  | "queued"
  | "pending"
  | "success"
  | "waiting";

/** One entry of a Deployment's history. */
export interface DeploymentStatus {
  readonly id: number;
  readonly state: DeploymentState;
  readonly creator: string;
  readonly description: string;
  readonly environment: string;
  readonly environmentUrl: string;
  readonly logUrl: string;
  readonly at: string;
}

/** A Deployment, with its statuses, the oldest first. */
export interface Deployment {
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly task: string;
  readonly payload: Record<string, unknown> | string;
  readonly environment: string;
  readonly description: string | null;
  readonly creator: string;
  readonly transient: boolean;
  readonly production: boolean;
  readonly createdAt: string;
  readonly statuses: DeploymentStatus[];
}

interface JobStep {
  readonly name: string;
  /** As the workflow has it, where an expression is in it. */
  readonly written?: string | undefined;
  readonly number: number;
  readonly conclusion: string;
  readonly startedAt: string;
  readonly completedAt: string;
}

/** A job of a run, in one attempt. */
export interface Job {
  readonly id: number;
  readonly run: Run;
  readonly attempt: number;
  readonly name: string;
  readonly labels: readonly string[];
  readonly createdAt: string;
  status: "queued" | "waiting" | "pending" | "in_progress" | "completed";
  conclusion: "success" | "failure" | "cancelled" | "skipped" | "timed_out" | null;
  startedAt: string;
  completedAt: string | null;
  readonly steps: JobStep[];
}

/** What somebody decided about jobs that waited. */
export interface Approval {
  readonly environments: readonly Environment[];
  readonly user: string;
  readonly state: "approved" | "rejected";
  readonly comment: string;
}

/** A job that waits for a review. */
export interface Pending {
  readonly environment: Environment;
  readonly job: Job;
  readonly since: string;
  readonly decide: (approval: Approval) => void;
}

/** A reusable workflow that a run has called. */
export interface ReferencedWorkflow {
  readonly path: string;
  readonly sha: string;
  readonly ref?: string;
}

/** A run of a workflow; `attempt` is its newest. */
export interface Run {
  readonly id: number;
  readonly number: number;
  readonly workflowId: number;
  readonly path: string;
  readonly name: string;
  title: string;
  readonly event: string;
  readonly headBranch: string;
  readonly headSha: string;
  /** `github.sha`: for a pull request the merge commit. */
  readonly sha: string;
  readonly ref: string;
  readonly actor: string;
  readonly headOwner: string;
  readonly pull: Pull | undefined;
  readonly createdAt: string;
  attempt: number;
  triggeringActor: string;
  startedAt: string;
  updatedAt: string;
  status: "queued" | "waiting" | "in_progress" | "completed";
  conclusion: string | null;
  referenced: readonly ReferencedWorkflow[];
  readonly jobs: Job[];
  /** Of the run, whatever the attempt: the service keeps none (design 6). */
  readonly approvals: Approval[];
  readonly pending: Pending[];
}

/** What a job has uploaded. */
export interface Artifact {
  readonly id: number;
  readonly run: Run;
  readonly name: string;
  readonly zip: Buffer;
  readonly digest: string;
  readonly createdAt: string;
}

/** An issue. */
export interface Issue {
  readonly id: number;
  readonly number: number;
  readonly user: string;
  readonly labels: readonly string[];
  readonly createdAt: string;
  title: string;
  body: string;
  state: "open" | "closed";
  stateReason: "completed" | "not_planned" | "reopened" | null;
  updatedAt: string;
}

/** A comment on an issue or a pull request. */
export interface Comment {
  readonly id: number;
  readonly issue: number;
  readonly user: string;
  readonly createdAt: string;
  body: string;
  updatedAt: string;
}

/** A status that somebody gave a commit. */
export interface CommitStatus {
  readonly id: number;
  readonly sha: string;
  readonly context: string;
  readonly state: "error" | "failure" | "pending" | "success";
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly creator: string;
  readonly at: string;
}

/** Who asks: a person, or a job with its permissions. */
export type Token =
  | { readonly kind: "user"; readonly login: string }
  | { readonly kind: "job"; readonly job: Job; readonly permissions: Permissions };

/** A refusal with the status and message that the API gives. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What starts and ends runs: a runner on this machine. Without one, the service has nowhere to run anything. */
export interface RunnerDoor {
  /** Starts a workflow as `actor`; gives the run's id. Throws Refusal as the API answers. */
  dispatch(workflow: string, ref: string, actor: string, inputs: Readonly<Record<string, string>>): Promise<number>;
  /** Stops a run; false if it is not one of this runner's. */
  cancel(run: Run): boolean;
}

/** Everything of one repository but its code. */
export class World {
  /** Every runner that has started a run, the newest last. */
  readonly runners: RunnerDoor[] = [];
  readonly scenario: GitHubScenario;
  readonly dir: string;
  readonly owner: string;
  readonly name: string;
  readonly people = new Map<string, Person>();
  readonly environments = new Map<string, Environment>();
  readonly pulls: Pull[] = [];
  readonly deployments: Deployment[] = [];
  readonly runs: Run[] = [];
  readonly artifacts: Artifact[] = [];
  readonly issues: Issue[] = [];
  readonly comments: Comment[] = [];
  readonly statuses: CommitStatus[] = [];
  readonly tokens = new Map<string, Token>();
  /** Every credential given so far, those that have ended too: tokens, requests for OIDC tokens, and these. */
  readonly given: string[] = [];
  readonly clones: Clones;
  readonly concurrency = new ConcurrencyGroups();
  readonly workflowIds = new Map<string, number>();
  readonly branchRules: ReturnType<typeof branchRulesOf>;
  #id = 10_000;

  constructor(scenario: GitHubScenario, dir: string) {
    this.scenario = scenario;
    this.dir = dir;
    this.clones = new Clones(dir);
    const [owner = "", name = ""] = scenario.repository.split("/");
    this.owner = owner;
    this.name = name;
    this.branchRules = branchRulesOf(scenario);
    this.people.set(ACTIONS_BOT, { login: ACTIONS_BOT, id: 41_898_282, name: ACTIONS_BOT, type: "Bot", role: "none" });
    this.people.set(owner, { login: owner, id: scenario.owner_id, name: owner, type: "User", role: "none" });
    let id = 501;
    for (const [login, user] of Object.entries(scenario.users)) {
      this.people.set(login, { login, id, name: user.name ?? login, type: user.type, role: user.role });
      id += 1;
    }
    for (const [environment, settings] of Object.entries(scenario.environments)) {
      this.environments.set(environment.toLowerCase(), this.#environment(environment, settings));
    }
  }

  /** A fresh id; all kinds of things share the sequence, so an id of one kind is never one of another. */
  id(): number {
    this.#id += 1;
    return this.#id;
  }

  /** Issues and pull requests share their numbers. */
  nextNumber(): number {
    return this.pulls.length + this.issues.length + 1;
  }

  person(login: string): Person {
    return this.people.get(login) ?? { login, id: 0, name: login, type: "User", role: "none" };
  }

  /** The environment of that name; one that nobody set up is made, unprotected (facts: github 2). Names do not mind case. */
  environment(name: string): Environment {
    const known = this.environments.get(name.toLowerCase());
    if (known !== undefined) return known;
    const made = this.#environment(name, unprotected());
    this.environments.set(name.toLowerCase(), made);
    return made;
  }

  /** What of the environment's settings has effect here. */
  settings(environment: Environment): EnvironmentSettings {
    return effectiveSettings(environment.settings, this.scenario);
  }

  /** A token that starts as GitHub's do, so that scanners and masks meet what they meet there. */
  issue(token: Token): string {
    const text = `${token.kind === "job" ? "ghs" : "ghp"}_${randomBytes(27).toString("base64url").replace(/[-_]/g, "x")}`;
    this.tokens.set(text, token);
    this.given.push(text);
    return text;
  }

  workflowId(path: string): number {
    const known = this.workflowIds.get(path);
    if (known !== undefined) return known;
    const id = this.id();
    this.workflowIds.set(path, id);
    return id;
  }

  /** Adds a status; a success makes earlier deployments of the environment inactive where the rules say so. */
  addStatus(
    deployment: Deployment,
    status: Pick<DeploymentStatus, "state" | "creator"> & Partial<DeploymentStatus>,
    autoInactive: boolean,
  ): DeploymentStatus {
    const added: DeploymentStatus = {
      description: "",
      environment: deployment.environment,
      environmentUrl: "",
      logUrl: "",
      ...status,
      id: this.id(),
      at: timestamp(),
    };
    deployment.statuses.push(added);
    if (status.state === "success" && autoInactive) {
      const any = this.scenario.assumptions.inactive_whatever_task;
      const others = this.deployments.filter(({ task }) => any || task === deployment.task);
      const candidates = others.map((other) => ({ ...other, state: stateOf(other), self: other }));
      for (const { self } of madeInactive(candidates, { id: deployment.id, environment: added.environment })) {
        self.statuses.push({ ...added, id: this.id(), state: "inactive", environment: self.environment });
      }
    }
    return added;
  }

  /** Approves or rejects what waits in a run; throws Refusal as the API answers. */
  decide(
    run: Run,
    environmentIds: readonly number[],
    user: string,
    state: "approved" | "rejected",
    comment: string,
  ): readonly Environment[] {
    const waiting = run.pending.filter((pending) => environmentIds.includes(pending.environment.id));
    if (environmentIds.length === 0 || !environmentIds.every((id) => waiting.some((p) => p.environment.id === id))) {
      throw new Refusal(422, "There are no pending deployment requests for one or more of these environments.");
    }
    for (const { environment } of waiting) {
      const why = reviewRefusal(this.settings(environment), this.scenario.teams, user, run.triggeringActor);
      if (why !== undefined) throw new Refusal(422, `The current user cannot approve this deployment: ${why}.`);
    }
    const environments = [...new Set(waiting.map((pending) => pending.environment))];
    const approval: Approval = { environments, user, state, comment };
    run.approvals.push(approval);
    for (const pending of waiting) {
      run.pending.splice(run.pending.indexOf(pending), 1);
      pending.decide(approval);
    }
    return environments;
  }

  #environment(name: string, settings: EnvironmentSettings): Environment {
    return { id: this.id(), name, createdAt: timestamp(), settings };
  }
}

/** A deployment's state: its newest status, or pending. */
export function stateOf(deployment: Deployment): DeploymentState {
  return deployment.statuses.at(-1)?.state ?? "pending";
}
