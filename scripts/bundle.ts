/** One ncc bundle of modules that are JavaScript already. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { assertWhole } from "./release/checks.ts";

/** Bundles what an entry imports into a folder, which is emptied; throws if anything is missing. `more` is told to ncc. */
export function bundle(
  entry: string,
  folder: string,
  { quiet, more = [] }: { readonly quiet: boolean; readonly more?: readonly string[] },
): void {
  // ncc does not empty its output folder, and a stale chunk would ship unseen.
  rmSync(folder, { recursive: true, force: true });
  run("ncc", ["build", entry, "--out", folder, "--quiet", ...more], quiet);
  loadNodeLightly(folder);
  assertWhole(folder);
}

/** How a bundle loads a module of Node: it makes a `require` of its own for each. */
const LOAD = /\w+\(import\.meta\.url\)\("(?:node:)?([\w/]+)"\)/g;

/**
 * Modules of Node are loaded without a `require`: to make thirty of them takes two milliseconds, a thirtieth of an action's
 * way to its first request. HTTP/2 is not loaded at all, which was an eighth: undici does so beside its own client, every dispatcher of
 * ours speaks HTTP/1.1 alone (docs/adr/0302-requests.md), and so it gets what it makes do with in a Node without HTTP/2.
 */
function loadNodeLightly(folder: string): void {
  const loaded = new Set<string>();
  const light = (load: string, name: string): string => {
    loaded.add(name);
    if (name === "http2") return "{ constants: {} }";
    return isBuiltin(name) ? `process.getBuiltinModule("node:${name}")` : load;
  };
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(LOAD, light));
  }
  if (!loaded.has("http2")) throw new Error(`nothing in ${folder} loads HTTP/2: in another way, or not at all?`);
}

/** Runs a tool of node_modules; throws if it fails. What it says is shown, unless that is only that all went well. */
export function run(command: string, args: readonly string[], quiet: boolean): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${command} failed${error === undefined ? "" : `: ${error.message}`}`);
}
