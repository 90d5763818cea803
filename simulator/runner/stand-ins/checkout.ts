/** actions/checkout for the run's own repository: a real clone in the workspace. */
import { mkdir, readdir, rm } from "node:fs/promises";
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
    const depth = Number(input("fetch-depth"));
    if (!Number.isInteger(depth) || depth < 0) throw new Error(`fetch-depth '${input("fetch-depth")}' is no number`);
    await world.clones.into(target, { sha, depth });
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

async function empty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
