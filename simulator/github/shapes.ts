/** People, repositories, commits and pull requests as the API shows them. */
import type { Commit } from "./git.ts";
import type { Partly, Schemas } from "./http.ts";
import type { Pull, World } from "./world.ts";

const HTML = "https://github.com";

/** What the three repository schemas of the API have in common, as far as it is given here. */
type Repository = Partly<
  Pick<
    Schemas["full-repository"],
    | "id"
    | "node_id"
    | "name"
    | "full_name"
    | "owner"
    | "private"
    | "visibility"
    | "html_url"
    | "url"
    | "fork"
    | "archived"
    | "disabled"
    | "default_branch"
  >
>;

/** Makes the API's documents of what the world remembers. */
export class Shapes {
  protected readonly world: World;
  protected readonly api: string;
  protected readonly html: string;

  constructor(world: World, apiUrl: string) {
    this.world = world;
    this.api = `${apiUrl}/repos/${world.scenario.repository}`;
    this.html = `${HTML}/${world.scenario.repository}`;
  }

  user(login: string): Partly<Schemas["simple-user"]> & { login: string; id: number } {
    const person = this.world.person(login);
    return {
      login,
      id: person.id,
      node_id: `U_${person.id}`,
      html_url: `${HTML}/${login}`,
      type: person.type,
      site_admin: false,
    };
  }

  repository(): Repository {
    const { scenario, owner, name } = this.world;
    return {
      id: scenario.id,
      node_id: `R_${scenario.id}`,
      name,
      full_name: scenario.repository,
      owner: this.user(owner),
      private: scenario.visibility === "private",
      visibility: scenario.visibility,
      html_url: this.html,
      url: this.api,
      fork: false,
      archived: false,
      disabled: false,
      default_branch: scenario.default_branch,
    };
  }

  /** The repository a pull request or run comes from: this one, or a fork of it. */
  headRepository(owner: string): Repository {
    if (owner === this.world.owner) return this.repository();
    const { name, scenario } = this.world;
    return {
      id: scenario.id + 100_000,
      name,
      full_name: `${owner}/${name}`,
      owner: this.user(owner),
      private: scenario.visibility === "private",
      fork: true,
      html_url: `${HTML}/${owner}/${name}`,
      default_branch: scenario.default_branch,
    };
  }

  commit(commit: Commit): Partly<Schemas["commit"]> {
    const verification = { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null };
    return {
      sha: commit.sha,
      node_id: `C_${commit.sha}`,
      url: `${this.api}/commits/${commit.sha}`,
      html_url: `${this.html}/commit/${commit.sha}`,
      commit: {
        author: commit.author,
        committer: commit.committer,
        message: commit.message,
        tree: { sha: commit.tree, url: `${this.api}/git/trees/${commit.tree}` },
        comment_count: 0,
        verification,
      },
      author: this.#account(commit.author),
      committer: this.#account(commit.committer),
      parents: commit.parents.map((sha) => ({ sha, url: `${this.api}/commits/${sha}` })),
    };
  }

  /** The account an e-mail address belongs to, as the service links commits: by login@ or the noreply address. */
  #account(who: { name: string; email: string }): Partly<Schemas["simple-user"]> | null {
    const [local = ""] = who.email.split("@");
    const login = local.replace(/^\d+\+/, "");
    return this.world.people.has(login) ? this.user(login) : null;
  }

  pullMinimal(pull: Pull): Partly<Schemas["pull-request-minimal"]> {
    const repo = { id: this.world.scenario.id, url: this.api, name: this.world.name };
    return {
      id: pull.id,
      number: pull.number,
      url: `${this.api}/pulls/${pull.number}`,
      head: { ref: pull.headBranch, sha: pull.headSha, repo },
      base: { ref: pull.base, sha: pull.baseSha, repo },
    };
  }

  pull(pull: Pull): Partly<Schemas["pull-request-simple"]> & Partly<Schemas["pull-request"]> {
    return {
      id: pull.id,
      number: pull.number,
      url: `${this.api}/pulls/${pull.number}`,
      html_url: `${this.html}/pull/${pull.number}`,
      state: (pull.merged?.at ?? pull.closed) === undefined ? "open" : "closed",
      locked: pull.locked === true,
      draft: false,
      title: pull.title,
      body: pull.body,
      labels: pull.labels.map((name) => ({ name })),
      user: this.user(pull.user),
      created_at: pull.createdAt,
      updated_at: pull.merged?.at ?? pull.createdAt,
      closed_at: pull.merged?.at ?? pull.closed ?? null,
      merged_at: pull.merged?.at ?? null,
      merge_commit_sha: pull.merged?.sha ?? pull.mergeSha ?? null,
      head: {
        label: `${pull.headOwner}:${pull.headBranch}`,
        ref: pull.headBranch,
        sha: pull.headSha,
        user: this.user(pull.headOwner),
        repo: this.headRepository(pull.headOwner),
      },
      base: {
        label: `${this.world.owner}:${pull.base}`,
        ref: pull.base,
        sha: pull.baseSha,
        user: this.user(this.world.owner),
        repo: this.repository(),
      },
    };
  }
}
