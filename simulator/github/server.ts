/** GitHub on loopback: one repository's REST API and OIDC issuer, deciding as the service does. */
import type { GitHubScenario, GitHubScenarioInput } from "./scenario.ts";

/** One request that reached the simulator; headers and bodies are not kept, they may hold credentials. */
export interface GitHubRequest {
  readonly server: "github";
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  /** Who asked: a login, `github-actions[bot]`, or undefined for nobody. */
  readonly principal: string | undefined;
}

export interface PullRequestOptions {
  /** A branch of the repository directory; for a fork, still a branch there that holds the fork's commits. */
  readonly head: string;
  readonly base?: string;
  readonly user: string;
  readonly title?: string;
  readonly body?: string;
  /** The owner of the fork the pull request comes from. */
  readonly fork?: string;
}

export interface GitHubSimulator {
  /** `http://127.0.0.1:PORT`, to be given as GITHUB_API_URL. */
  readonly apiUrl: string;
  /** What tokens name as `iss`; the keys are on loopback, at `jwksUrl`. */
  readonly oidcIssuer: string;
  readonly jwksUrl: string;
  readonly scenario: GitHubScenario;
  readonly repoDir: string;
  readonly requests: GitHubRequest[];
  /** Routes and parameters that were asked for and are not modelled. Tests demand that it is empty. */
  readonly unmodelled: string[];
  /** A personal token with everything the person's role allows. */
  userToken(login: string): string;
  /** Opens a pull request: makes `refs/pull/N/head` and, if it merges, `refs/pull/N/merge`. */
  openPullRequest(options: PullRequestOptions): Promise<number>;
  review(number: number, user: string, state?: "APPROVED" | "CHANGES_REQUESTED"): Promise<void>;
  /** Merges by a merge commit, as `user`; gives its commit. Does not ask for the branch's rules. */
  mergePullRequest(number: number, user: string): Promise<string>;
  close(): Promise<void>;
}

export interface GitHubOptions {
  /** The repository, a real git directory: branches, commits and contents are read from it. */
  readonly repoDir: string;
  readonly oidcIssuer?: string;
}

/** Starts the simulator on a free loopback port; rejects if the scenario is not understood. */
export async function startGitHub(_scenario: GitHubScenarioInput, _options: GitHubOptions): Promise<GitHubSimulator> {
  throw new Error("The GitHub simulator is not built yet");
}
