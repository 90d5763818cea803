/** Ctrl-C in the demo: no process and no file of it is left. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";

/** Processes that live below a folder or were told of it. Linux only. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      const told = ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1"));
      return [...told, readlinkSync(`/proc/${pid}/cwd`)].some((text) => text.includes(folder));
    } catch {
      return false; // gone meanwhile, or somebody else's
    }
  });
}

it.skipIf(process.platform !== "linux").each([
  ["Ctrl-C in a terminal, which all its processes get, and npm's second one", "SIGINT", true, "deploy-to-dev"],
  ["a signal to the demo alone", "SIGTERM", false, "deploy-to-dev"],
  ["one before the stage stands", "SIGINT", false, "Four-Tier"],
] as const)("is over with %s", async (_how, signal, all, after) => {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-interrupt-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const demo = spawn(process.execPath, [resolve("demo/main.ts")], {
    detached: true,
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((done) => demo.once("close", done));
  let said = "";
  const busy = new Promise<void>((done) => {
    demo.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes(after)) done();
    });
  });
  await Promise.race([busy, ended]);
  expect(processesOf(folder)).not.toEqual([]);
  process.kill(all ? -(demo.pid ?? 0) : (demo.pid ?? 0), signal);
  if (all) process.kill(demo.pid ?? 0, signal);
  expect(await ended).toBe(130);
  expect(processesOf(folder)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});
