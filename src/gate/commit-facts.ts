/** What enters a tier with a release: its commits, who wrote and reviewed them, and how they stand to what the tier has. */

/** The candidate's commit, and all that enters with it. */
export interface CommitFacts {
  readonly onDefaultBranch: boolean;
  /** A commit that a pull request brought into a branch `hotfix/*`, merged back or not; undefined for any other. */
  readonly hotfix: HotfixFacts | undefined;
  readonly entering: EnteringFacts;
  /** The merged pull requests of the commits that enter. */
  readonly pulls: readonly PullFacts[];
  /** Who opened and wrote what enters, by login. */
  readonly authors: readonly string[];
  /** Commits of it in which an e-mail address stands that no account has. */
  readonly authorless: readonly BroughtCommit[];
}

/** What enters a tier with a candidate: the branch's commits after the one that the tier has. */
export interface EnteringFacts {
  /** What the tier has; undefined before the first release, and then only the candidate's own commit is looked at. */
  readonly since: string | undefined;
  /** The branch's own line, newest first: the candidate, its first parent, and so on. */
  readonly line: readonly LineCommit[];
  /** What merges on that line bring beside it. */
  readonly beside: readonly BroughtCommit[];
  /** How many commits of the line were left out: more than are looked at. */
  readonly left: number;
  /**
   * Commits that the contract lets in without a pull request, both the candidate's and the default branch's, with its
   * reasons.
   */
  readonly accepted: readonly { readonly commit: string; readonly reason: string }[];
}

/** A commit that enters beside or on the branch's line. */
export interface BroughtCommit {
  readonly commit: string;
  /** Undefined where only its id is known. */
  readonly title: string | undefined;
  /** A login, or the name that git has. */
  readonly author: string | undefined;
}

/** A commit of the branch's own line. */
export interface LineCommit extends BroughtCommit {
  readonly parents: number;
  /** Numbers of the merged pull requests that GitHub says brought it. */
  readonly pulls: readonly string[];
}

/** A repair of what prod has, past what waits in the tiers below. */
export interface HotfixFacts {
  /** `hotfix/scores`. */
  readonly branch: string;
  /** Whether any rule protects that branch; undefined if it is gone. */
  readonly protected: boolean | undefined;
  /** Whether the branch has the commit in its history. */
  readonly holds: boolean;
  /** What prod has, and how the commit relates to it; undefined if prod has nothing, or GitHub does not know it. */
  readonly prod: { readonly commit: string; readonly relation: OrderFacts["relation"] } | undefined;
  /** The commit of another hotfix that staging has, or had last, and that neither this one nor the default branch brings. */
  readonly other: string | undefined;
}

/** A pull request, with what reviewers and checks said of the head that was merged. */
export interface PullFacts {
  readonly number: string;
  readonly title: string;
  readonly url: string;
  readonly author: string | undefined;
  readonly base: string;
  readonly head: string;
  readonly merged: boolean;
  /** What the merge made of it on the branch: of a rebase the last commit. */
  readonly mergeCommit: string | undefined;
  /** The commits that it proposes. */
  readonly commits: readonly string[];
  /** Who wrote or committed these, by login; merges that GitHub made are left out. */
  readonly authors: readonly string[];
  /** True if of one of them no account stands for who wrote it. */
  readonly authorUnknown: boolean;
  /** The newest verdict of each reviewer. */
  readonly reviews: readonly {
    readonly user: string;
    readonly state: string;
    /** The head that was merged is not the one that was reviewed. */
    readonly stale: boolean;
    /** Undefined where it was not asked, or GitHub does not say. */
    readonly mayWrite: boolean | undefined;
  }[];
  /** Check runs and commit statuses on its head commit. */
  readonly checks: readonly {
    readonly name: string;
    readonly status: string;
    readonly conclusion: string | undefined;
    readonly url: string | undefined;
  }[];
}

/** How the candidate stands to what the tier has. */
export interface OrderFacts {
  /** What the tier has now, and since when (ISO; undefined where nothing says so); undefined before the first deployment. */
  readonly current: { readonly commit: string; readonly release: string; readonly at?: string } | undefined;
  /** The candidate seen from there: `ahead` has it in its history. Undefined if GitHub does not know that commit. */
  readonly relation: "identical" | "ahead" | "behind" | "diverged" | undefined;
}
