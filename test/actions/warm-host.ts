/**
 * A Node that runs one action after another, each with its own variables, folder and exit code (warm.ts). Its argument
 * is a module to be told when an action begins and has ended, if there is one.
 */
import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Order, Witness } from "./warm.ts";

const UNWATCHED: Witness = { beginAction: () => undefined, endAction: () => undefined };
const witness = process.argv[2];
const { beginAction, endAction } = witness === undefined ? UNWATCHED : ((await import(witness)) as Witness);
endAction();
// now that nobody's temporary folder is set
await import("../forks/setup.ts");

// @actions/core keeps the first summary's path: it gets one for all, and each step's file what was written there
const summary = join(tmpdir(), `four-tier-summary-${process.pid}`);

async function run({ script, cwd, env, mark, keepIn = "" }: Order): Promise<void> {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env, { GITHUB_STEP_SUMMARY: summary });
  appendFileSync(summary, "");
  process.chdir(cwd);
  process.argv[1] = script;
  beginAction(keepIn);
  // another address each time, so that the module is run again; what it imports is there already
  await import(`${pathToFileURL(script).href}?${mark}`);
  if (env["GITHUB_STEP_SUMMARY"]) appendFileSync(env["GITHUB_STEP_SUMMARY"], readFileSync(summary));
  rmSync(summary);
  const code = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  endAction();
  process.stderr.write(`${mark}\n`);
  process.stdout.write(`${mark} ${code}\n`);
}

process.on("message", (order) => void run(order as Order));
process.on("disconnect", () => process.exit());
