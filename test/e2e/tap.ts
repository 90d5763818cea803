/**
 * Preloaded into every action of a workflow test: when it ends, everything it printed and every file of its job is kept
 * as it is, before the runner masks it. A secret that only the mask hides is found this way.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

let folder = "";
/** Of the whole run: a job's own environment names no folder. */
let shared = tmpdir();
let printed: Record<string, string> = {};
let open = false;

/** A runner's /tmp is shared by all jobs of a machine, and here with everybody: each action gets one of its own. */
export function beginAction(keepIn: string): void {
  folder = keepIn;
  if (keepIn !== "") shared = dirname(keepIn);
  printed = { stdout: "", stderr: "" };
  process.env["TMPDIR"] = mkdtempSync(join(shared, "four-tier-tmp-"));
  open = true;
}
beginAction(new URL(import.meta.url).searchParams.get("folder") ?? "");

for (const name of ["stdout", "stderr"] as const) {
  const stream = process[name];
  const write = stream.write.bind(stream) as (...args: readonly unknown[]) => boolean;
  stream.write = (chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
    printed[name] = (printed[name] ?? "") + (typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1"));
    return write(chunk, ...rest);
  };
}

/** Keeps what the action left. */
export function endAction(): void {
  if (!open) return;
  open = false;
  const places = { ...printed };
  const temporary = process.env["TMPDIR"] ?? "";
  // not a job: its home is somebody's
  const job = process.env["RUNNER_TEMP"] !== undefined;
  for (const name of job ? ["RUNNER_TEMP", "GITHUB_WORKSPACE", "HOME", "TMPDIR"] : []) {
    const root = process.env[name] ?? "";
    for (const file of filesBelow(root)) places[`${name}/${relative(root, file)}`] = readFileSync(file, "latin1");
  }
  if (temporary.startsWith(join(shared, "four-tier-tmp-"))) rmSync(temporary, { recursive: true, force: true });
  process.env["TMPDIR"] = shared;
  if (!job) return;
  writeFileSync(join(folder, `${randomUUID()}.json`), JSON.stringify({ action: process.argv[1] ?? "", places }));
}
process.on("exit", endAction);

/** Without git's own database, which is compressed; its configuration is where a token would be. */
function filesBelow(root: string): string[] {
  if (!existsSync(root)) return [];
  const names = readdirSync(root);
  return names.flatMap((name) => {
    const path = join(root, name);
    if (name === "objects" && names.includes("HEAD")) return [];
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}
