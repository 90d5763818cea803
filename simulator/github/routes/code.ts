/** Repository, contents, refs, commits, trees and branches: answered from git. */
import * as v from "valibot";
import { isProtected, listOfRules, rulesFor } from "../branch-rules.ts";
import * as git from "../git.ts";
import { type Answer, type Call, hasRole, type Partly, route, type Schemas } from "../http.ts";
import { Shapes } from "../shapes.ts";
import { Refusal } from "../world.ts";
import { newFile, writeFile } from "./write-contents.ts";

const REPO = "/repos/{owner}/{repo}";
const READ = ["contents", "read"] as const;

const shapes = (call: Call): Shapes => new Shapes(call.world, call.apiUrl);
const param = (call: Call, name: string): string => call.params[name] ?? "";

async function shaOf(call: Call, name: string): Promise<string> {
  const sha = await git.resolveRef(call.world.dir, name);
  if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${name}`);
  return sha;
}

async function contents(call: Call): Promise<Answer> {
  const { dir, scenario } = call.world;
  const path = param(call, "path");
  const ref = call.query["ref"] ?? scenario.default_branch;
  const sha = await git.resolveRef(dir, ref);
  if (sha === undefined) throw new Refusal(404, `No commit found for the ref ${ref}`);
  const url = `${call.apiUrl}/repos/${scenario.repository}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const all = (await git.tree(dir, sha, true)) ?? [];
  const found = all.find((entry) => entry.path === path);
  if (found?.type === "tree") {
    const within = `${path}/`;
    return {
      body: all
        .map((entry) => ({ ...entry, name: entry.path.slice(within.length) }))
        .filter((entry) => entry.path.startsWith(within) && !entry.name.includes("/"))
        .map((entry) => ({
          type: entry.type === "tree" ? "dir" : "file",
          name: entry.name,
          path: entry.path,
          sha: entry.sha,
          size: entry.size ?? 0,
        })),
    };
  }
  const bytes = await git.fileAt(dir, sha, path);
  if (found === undefined || bytes === undefined) throw new Refusal(404, "Not Found");
  if (call.accept.includes("application/vnd.github.raw")) {
    return { bytes, type: "application/vnd.github.raw+json; charset=utf-8" };
  }
  // Over 1 MB the service sends no content but `encoding: none`.
  const large = bytes.length > 1024 * 1024;
  const body: Partly<Schemas["content-file"]> = {
    type: "file",
    encoding: large ? "none" : "base64",
    size: bytes.length,
    name: path.split("/").at(-1) ?? path,
    path,
    content: large ? "" : bytes.toString("base64").replace(/(.{60})/g, "$1\n"),
    sha: found.sha,
    url,
  };
  return { body };
}

async function readRef(call: Call): Promise<Answer> {
  const name = `refs/${param(call, "ref")}`;
  const object = await git.git(call.world.dir, ["rev-parse", "--verify", "--quiet", name]).catch(() => undefined);
  if (object === undefined) throw new Refusal(404, "Not Found");
  const type = await git.git(call.world.dir, ["cat-file", "-t", object]);
  const body: Partly<Schemas["git-ref"]> = { ref: name, object: { type, sha: object } };
  return { body };
}

async function oneCommit(call: Call): Promise<Answer> {
  const { dir } = call.world;
  const commit = await git.commit(dir, await shaOf(call, param(call, "ref")));
  if (commit === undefined) throw new Refusal(404, "Not Found");
  const parent = commit.parents[0] ?? "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
  const files = (await git.changedFiles(dir, parent, commit.sha)).map(diffEntry);
  return { body: { ...shapes(call).commit(commit), files } };
}

async function listCommits(call: Call): Promise<Answer> {
  const { dir, scenario } = call.world;
  const from = await shaOf(call, call.query["sha"] ?? scenario.default_branch);
  const path = call.query["path"];
  const found = await git.commits(dir, [from, ...(path === undefined ? [] : ["--", path])]);
  return { list: found.map((commit) => shapes(call).commit(commit)) };
}

/** `base...head`: what head has that base has not, and the other way round. */
async function compare(call: Call): Promise<Answer> {
  const { dir } = call.world;
  const [base = "", head = "", ...rest] = param(call, "basehead").split("...");
  if (base === "" || head === "" || rest.length > 0) throw new Refusal(404, "Not Found");
  const from = await git.resolveRef(dir, base);
  const to = await git.resolveRef(dir, head);
  if (from === undefined || to === undefined) throw new Refusal(404, "Not Found");
  const { ahead: list, behind, mergeBase: merge } = await git.compare(dir, from, to);
  if (merge === undefined) throw new Refusal(404, `No common ancestor between ${base} and ${head}.`);
  const ahead = list.length;
  const [baseCommit, mergeBase] = [await git.commit(dir, from), await git.commit(dir, merge)];
  const files = (await git.changedFiles(dir, merge, to)).map(diffEntry);
  const shape = shapes(call);
  const status =
    ahead > 0 && behind > 0 ? "diverged" : ahead > 0 ? "ahead" : behind > 0 ? "behind" : ("identical" as const);
  const around: Partly<Schemas["commit-comparison"]> = {
    status,
    ahead_by: ahead,
    behind_by: behind,
    total_commits: ahead,
    ...(baseCommit === undefined ? {} : { base_commit: shape.commit(baseCommit) }),
    ...(mergeBase === undefined ? {} : { merge_base_commit: shape.commit(mergeBase) }),
  };
  return {
    list: list.toReversed().map((commit) => shape.commit(commit)),
    // Files come whole with the first page, up to 300, as on the service.
    wrap: (page) => ({ ...around, commits: page, files: files.slice(0, 300) }),
  };
}

/** A file that differs between two commits, as GitHub lists it. */
export function diffEntry(file: git.ChangedFile): Partly<Schemas["diff-entry"]> {
  return {
    sha: file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
  };
}

async function readTree(call: Call): Promise<Answer> {
  const name = param(call, "tree");
  const sha = (await git.resolveRef(call.world.dir, name)) ?? name;
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new Refusal(404, "Not Found");
  const entries = await git.tree(call.world.dir, sha, call.query["recursive"] !== undefined);
  if (entries === undefined) throw new Refusal(404, "Not Found");
  const own = await git.git(call.world.dir, ["rev-parse", `${sha}^{tree}`]);
  const body: Partly<Schemas["git-tree"]> = {
    sha: own,
    truncated: false,
    tree: entries.map((entry) => ({
      path: entry.path,
      mode: entry.mode,
      type: entry.type,
      sha: entry.sha,
      ...(entry.size === undefined ? {} : { size: entry.size }),
    })),
  };
  return { body };
}

async function readBlob(call: Call): Promise<Answer> {
  const sha = param(call, "sha");
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new Refusal(404, "Not Found");
  const bytes = await git.gitBytes(call.world.dir, ["cat-file", "blob", sha]).catch(() => undefined);
  if (bytes === undefined) throw new Refusal(404, "Not Found");
  if (call.accept.includes("application/vnd.github.raw")) return { bytes, type: "application/vnd.github.raw" };
  const body: Partly<Schemas["blob"]> = {
    sha,
    size: bytes.length,
    encoding: "base64",
    content: bytes.toString("base64"),
  };
  return { body };
}

async function gitCommit(call: Call): Promise<Answer> {
  const id = param(call, "sha");
  const commit = /^[0-9a-f]{40}$/.test(id) ? await git.commit(call.world.dir, await shaOf(call, id)) : undefined;
  if (commit === undefined) throw new Refusal(404, "Not Found");
  const body: Partly<Schemas["git-commit"]> = {
    sha: commit.sha,
    author: commit.author,
    committer: commit.committer,
    message: commit.message,
    tree: { sha: commit.tree },
    parents: commit.parents.map((sha) => ({ sha })),
  };
  return { body };
}

async function listBranches(call: Call): Promise<Answer> {
  const wanted = call.query["protected"];
  const list = (await git.branches(call.world.dir))
    .map(
      (branch): Partly<Schemas["short-branch"]> => ({
        name: branch.name,
        commit: { sha: branch.sha },
        protected: isProtected(call.world, rulesFor(call.world, branch.name)),
      }),
    )
    .filter((branch) => wanted === undefined || String(branch.protected) === wanted);
  return { list };
}

async function readBranch(call: Call): Promise<Answer> {
  const name = param(call, "branch");
  const sha = await git.resolveCommit(call.world.dir, `refs/heads/${name}`);
  const commit = sha === undefined ? undefined : await git.commit(call.world.dir, sha);
  if (commit === undefined) throw new Refusal(404, "Branch not found");
  const rules = rulesFor(call.world, name);
  const body: Partly<Schemas["branch-with-protection"]> = {
    name,
    commit: shapes(call).commit(commit),
    protected: isProtected(call.world, rules),
    protection: {
      enabled: rules?.by === "classic",
      required_status_checks: { contexts: rules?.required_status_checks ?? [], checks: [] },
    },
  };
  return { body };
}

/** Only for administrators: GITHUB_TOKEN has no such permission. */
function protection(call: Call): Answer {
  const rules = rulesFor(call.world, param(call, "branch"));
  if (rules?.by !== "classic") throw new Refusal(404, "Branch not protected");
  const body: Partly<Schemas["branch-protection"]> = {
    required_pull_request_reviews: {
      dismiss_stale_reviews: rules.dismiss_stale_reviews,
      require_code_owner_reviews: rules.require_code_owner_review,
      required_approving_review_count: rules.required_approving_review_count,
      require_last_push_approval: rules.require_last_push_approval,
    },
    required_status_checks: { contexts: rules.required_status_checks, checks: [] },
    enforce_admins: { enabled: rules.enforce_admins },
    allow_force_pushes: { enabled: false },
    allow_deletions: { enabled: false },
  };
  return { body };
}

/** The rules that rulesets put on a branch, which need not be there; what classic protection says is not among them. */
function branchRuleList(call: Call): Answer {
  const rules = rulesFor(call.world, param(call, "branch"));
  return { list: rules === undefined ? [] : listOfRules(rules, call.world.scenario.repository) };
}

function permission(call: Call): Answer {
  if (call.token?.kind === "job" && !call.world.scenario.assumptions.job_tokens_read_roles)
    throw new Refusal(403, "Resource not accessible by integration");
  const login = param(call, "username");
  const person = call.world.people.get(login);
  if (person === undefined) throw new Refusal(404, `${login} is not a user`);
  // The old field knows four words only: maintain is write, triage is read.
  const old = person.role === "maintain" ? "write" : person.role === "triage" ? "read" : person.role;
  const body: Partly<Schemas["repository-collaborator-permission"]> = {
    permission: old,
    role_name: person.role,
    user: shapes(call).user(login),
  };
  return { body };
}

function repository(call: Call): Answer {
  const body: Partly<Schemas["full-repository"]> = shapes(call).repository();
  if (call.token?.kind !== "user") return { body };
  const { world, login } = call;
  const permissions = { admin: hasRole(world, login, "admin"), push: hasRole(world, login, "write"), pull: true };
  return { body: { ...body, permissions } };
}

const newRef = v.strictObject({ ref: v.string(), sha: v.string() });

export const codeRoutes = [
  route(`GET ${REPO}`, "metadata", repository),
  route(`GET ${REPO}/contents/{path+}`, READ, contents, { query: ["ref"], raw: true }),
  route(`PUT ${REPO}/contents/{path+}`, ["contents", "write"], writeFile, { body: newFile }),
  route(`GET ${REPO}/git/ref/{ref+}`, READ, readRef),
  route(`GET ${REPO}/git/trees/{tree+}`, READ, readTree, { query: ["recursive"] }),
  route(`GET ${REPO}/git/blobs/{sha}`, READ, readBlob, { raw: true }),
  route(`GET ${REPO}/git/commits/{sha}`, READ, gitCommit),
  route(
    `POST ${REPO}/git/refs`,
    ["contents", "write"],
    async (call) => {
      const { ref, sha } = v.parse(newRef, call.body);
      if (!ref.startsWith("refs/heads/") && !ref.startsWith("refs/tags/")) {
        throw new Refusal(422, "Reference name must start with 'refs/heads/' or 'refs/tags/'");
      }
      if ((await git.resolveCommit(call.world.dir, sha)) === undefined) throw new Refusal(422, "Object does not exist");
      if ((await git.resolveCommit(call.world.dir, ref)) !== undefined) {
        throw new Refusal(422, "Reference already exists");
      }
      await git.git(call.world.dir, ["update-ref", ref, sha]);
      return { status: 201, body: { ref, object: { type: "commit", sha } } };
    },
    { body: newRef },
  ),
  route(`GET ${REPO}/commits`, READ, listCommits, { query: ["sha", "path"] }),
  route(`GET ${REPO}/compare/{basehead+}`, READ, compare),
  route(`GET ${REPO}/commits/{ref}`, READ, oneCommit),
  route(`GET ${REPO}/branches`, READ, listBranches, { choices: { protected: ["true", "false"] } }),
  route(`GET ${REPO}/branches/{branch}/protection`, "admin", protection),
  route(`GET ${REPO}/branches/{branch}`, READ, readBranch),
  route(`GET ${REPO}/rules/branches/{branch}`, "metadata", branchRuleList),
  route(`GET ${REPO}/collaborators/{username}/permission`, "metadata", permission),
];
