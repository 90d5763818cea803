/** actions/checkout for the run's own repository: a real clone in the workspace. */
import { appendFile, mkdir, readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { git, resolveCommit, resolveRef } from "../../github/git.ts";
import { UnmodelledError } from "../unmodelled.ts";
import type { StandIn } from "./index.ts";

/** actions/checkout. */
export const checkout: StandIn = {
  inputs: {
    repository: "",
    ref: "",
    token: "",
    path: ".",
    "fetch-depth": "1",
    "persist-credentials": "true",
    clean: "true",
    "show-progress": "true",
    "fetch-tags": "false",
  },
  run: async ({ world, run, workspace, token, input, log }) => {
    const repository = input("repository");
    if (repository !== "" && repository.toLowerCase() !== world.scenario.repository.toLowerCase()) {
      throw new UnmodelledError(`actions/checkout of another repository (${repository})`);
    }
    const target = join(workspace, input("path"));
    if (relative(workspace, target).startsWith("..")) {
      throw new Error(`Repository path '${target}' is not under '${workspace}'`);
    }
    const wanted = input("ref") === "" ? run.sha : input("ref");
    const sha = wanted === run.sha ? wanted : await resolveRef(world.dir, wanted);
    if (sha === undefined) throw new Error(`A branch or tag with the name '${wanted}' could not be found`);
    await empty(target);
    await git(target, ["init", "-q", "-b", "checkout", "--template="]);
    await appendFile(join(target, ".git", "config"), configuration(world.dir));
    const depth = Number(input("fetch-depth"));
    if (!Number.isInteger(depth) || depth < 0) throw new Error(`fetch-depth '${input("fetch-depth")}' is no number`);
    // Any commit may be asked for, as on the service; a local directory allows it only when told to.
    const fetch = [
      "fetch",
      "-q",
      "--no-auto-maintenance",
      "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack",
    ];
    const everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
    const limits = depth === 0 ? [] : [`--depth=${depth}`];
    // --depth is ignored for a plain path: the scheme makes it a transport.
    await git(target, [...fetch, ...limits, `file://${world.dir}`, ...(depth === 0 ? everything : []), sha]);
    const branch = input("ref") === "" ? run.ref : wanted;
    const name = branch.replace(/^refs\/heads\//, "");
    const isBranch = !/^[0-9a-f]{40}$/.test(branch) && (await resolveCommit(world.dir, `refs/heads/${name}`)) === sha;
    await git(target, isBranch ? ["checkout", "-q", "-B", name, sha] : ["checkout", "-q", "--detach", sha]);
    const persist = input("persist-credentials") === "true";
    if (persist) {
      const basic = Buffer.from(`x-access-token:${input("token") === "" ? token : input("token")}`).toString("base64");
      await git(target, ["config", "http.https://github.com/.extraheader", `AUTHORIZATION: basic ${basic}`]);
    }
    log(`Checked out ${sha}`);
    return {
      outputs: { commit: sha, ref: wanted },
      post: async () => {
        if (!persist) return;
        await git(target, ["config", "--unset-all", "http.https://github.com/.extraheader"]).catch(() => undefined);
      },
    };
  },
};

/** What `git config` and `git remote add` would write. One pack is quicker to write than its objects one by one. */
function configuration(origin: string): string {
  const url = JSON.stringify(origin);
  return `[gc]\n\tauto = 0\n[fetch]\n\tunpackLimit = 1\n[remote "origin"]\n\turl = ${url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`;
}

async function empty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
