/** The repository itself: default branch, who sees it, which branches are protected. */
import * as v from "valibot";
import { hasFinding } from "../findings.ts";
import { isApp } from "../login.ts";
import type { GitHub } from "./client.ts";

interface Repository {
  readonly defaultBranch: string;
  readonly visibility: "public" | "private" | "internal";
  /** True if it belongs to an organization; a user's repository has only the user as admin. */
  readonly organization: boolean;
}

interface Branch {
  readonly name: string;
  /** Its head commit. */
  readonly commit: string;
  readonly protected: boolean;
}

const RepositorySchema = v.object({
  default_branch: v.string(),
  private: v.boolean(),
  visibility: v.optional(v.string()),
  owner: v.object({ type: v.optional(v.string()) }),
});

const BranchSchema = v.object({
  name: v.string(),
  commit: v.object({ sha: v.string() }),
  protected: v.boolean(),
});

/** What GitHub says of this repository. Needs `metadata: read`, which every token has. */
export async function getRepository(github: GitHub): Promise<Repository> {
  const found = await github.read("GET /repos/{owner}/{repo}", {}, RepositorySchema, "contents: read");
  return {
    defaultBranch: found.default_branch,
    visibility: found.visibility === "internal" ? "internal" : found.private ? "private" : "public",
    organization: found.owner.type === "Organization",
  };
}

const PermissionSchema = v.object({ permission: v.string() });

/**
 * Whether an account may write here, as a branch rule asks of a reviewer; undefined if GitHub does not say. An App is no
 * person: whoever can make it speak, a workflow's own token among them, would approve by it.
 */
export async function mayWrite(github: GitHub, login: string): Promise<boolean | undefined> {
  if (isApp(login)) return false;
  try {
    const found = await github.find(
      "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
      { username: login },
      PermissionSchema,
      "contents: read",
    );
    return found === undefined ? undefined : ["admin", "write"].includes(found.permission);
  } catch (error) {
    if (hasFinding(error, "github/permission")) return undefined;
    throw error;
  }
}

/** A branch by its name; undefined if there is none. */
export async function getBranch(github: GitHub, name: string): Promise<Branch | undefined> {
  const found = await github.find(
    "GET /repos/{owner}/{repo}/branches/{branch}",
    { branch: name },
    BranchSchema,
    "contents: read",
  );
  return found === undefined ? undefined : { name: found.name, commit: found.commit.sha, protected: found.protected };
}
