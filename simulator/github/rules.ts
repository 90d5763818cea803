/** What the service decides about environments, reviews and secrets. Pure: the world is passed in. */
import type { EnvironmentSettings, GitHubScenario } from "./scenario.ts";
import { matchesPattern } from "./text.ts";

type Hosting = Pick<GitHubScenario, "visibility" | "plan">;

/**
 * What of an environment's settings has effect (facts: github 3, plan limits): reviewers, timers and the admin switch
 * need a public repository or Enterprise; a private repository on Free has no environments' settings at all.
 */
export function effectiveSettings(settings: EnvironmentSettings, hosting: Hosting): EnvironmentSettings {
  if (hosting.visibility === "public" || hosting.plan === "enterprise") return settings;
  const unguarded = { ...settings, reviewers: [], prevent_self_review: false, wait_timer: 0, can_admins_bypass: true };
  return hosting.plan === "free" ? { ...unguarded, branch_policy: "none", secrets: {}, variables: {} } : unguarded;
}

interface RefFacts {
  /** The ref that runs: `refs/pull/N/merge` for pull requests (facts: github 3, since 2025-12-08). */
  readonly ref: string;
  readonly defaultBranch: string;
  readonly protectedBranches: Iterable<string>;
}

/** The name patterns of an environment's custom policy; undefined if it has none. */
export function policyPatterns(settings: EnvironmentSettings, defaultBranch: string): readonly string[] | undefined {
  if (settings.branch_policy === "default") return [defaultBranch];
  return Array.isArray(settings.branch_policy) ? settings.branch_policy : undefined;
}

/** Whether a ref may deploy to the environment. */
export function refAllowed(settings: EnvironmentSettings, facts: RefFacts): boolean {
  if (settings.branch_policy === "none") return true;
  const branch = facts.ref.startsWith("refs/heads/") ? facts.ref.slice("refs/heads/".length) : undefined;
  if (settings.branch_policy === "protected") {
    return branch !== undefined && [...facts.protectedBranches].some((pattern) => matchesPattern(pattern, branch));
  }
  const name = branch ?? facts.ref.replace(/^refs\/tags\//, "");
  return (policyPatterns(settings, facts.defaultBranch) ?? []).some((pattern) => matchesPattern(pattern, name));
}

/** What stands between a job and its environment. */
type Gate =
  | { readonly kind: "open" }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "wait"; readonly minutes: number; readonly review: boolean };

/** Decides how a job enters its environment (facts: github 2 and 3). */
export function environmentGate(
  name: string,
  settings: EnvironmentSettings,
  facts: RefFacts,
  options: { readonly deployment: boolean; readonly policyWithoutDeployment: boolean },
): Gate {
  const policyHolds = options.deployment || options.policyWithoutDeployment;
  if (policyHolds && !refAllowed(settings, facts)) {
    const shown = facts.ref.replace(/^refs\/(heads|tags)\//, "");
    return {
      kind: "refused",
      message: `Branch "${shown}" is not allowed to deploy to ${name} due to environment protection rules.`,
    };
  }
  const review = settings.reviewers.length > 0;
  if (!review && settings.wait_timer === 0) return { kind: "open" };
  return { kind: "wait", minutes: settings.wait_timer, review };
}

/** The logins that may review, teams expanded. */
export function reviewersOf(settings: EnvironmentSettings, teams: GitHubScenario["teams"]): readonly string[] {
  return settings.reviewers.flatMap((reviewer) =>
    reviewer.startsWith("team:") ? (teams[reviewer.slice("team:".length)] ?? []) : [reviewer],
  );
}

/** Why a person may not review; undefined if they may. The run's triggering actor is "self". */
export function reviewRefusal(
  settings: EnvironmentSettings,
  teams: GitHubScenario["teams"],
  user: string,
  triggeringActor: string,
): string | undefined {
  if (!reviewersOf(settings, teams).includes(user)) return `${user} is not a required reviewer of this environment`;
  if (settings.prevent_self_review && user === triggeringActor) {
    return `${user} started this run and the environment prevents self-review`;
  }
  return undefined;
}

interface SecretSources {
  /** What the workflow file was given: the repository's for an entry workflow, the caller's for a called one. */
  readonly given: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** In a called workflow: whether every caller on the way said `secrets: inherit`. */
  readonly called: boolean;
  readonly inherited: boolean;
  /** A pull request of a fork or of Dependabot. */
  readonly untrusted: boolean;
  readonly environmentSecretsNeedInherit: boolean;
}

/** The secrets a job sees, without GITHUB_TOKEN (facts: github 2, Secrets). */
export function visibleSecrets(sources: SecretSources): Readonly<Record<string, string>> {
  if (sources.untrusted) return {};
  const own = !sources.called || sources.inherited || !sources.environmentSecretsNeedInherit;
  return { ...sources.given, ...(own ? sources.environment : undefined) };
}

/**
 * Which earlier deployments a `success` makes inactive: same environment, not transient, not production, and
 * successful so far (facts: github 3, Statuses).
 */
export function madeInactive<
  D extends {
    readonly id: number;
    readonly environment: string;
    readonly transient: boolean;
    readonly production: boolean;
    readonly state: string;
  },
>(deployments: readonly D[], current: { readonly id: number; readonly environment: string }): readonly D[] {
  return deployments.filter(
    (other) =>
      other.id < current.id &&
      other.environment === current.environment &&
      !other.transient &&
      !other.production &&
      other.state === "success",
  );
}
