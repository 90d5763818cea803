import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { OURS, ROOT, read } from "./workflows/files.ts";

const zizmor = (...paths: string[]): { status: number | null; text: string } => {
  const args = ["--offline", "--persona=pedantic", "--no-progress", "--color=never", "--format=plain"];
  const { status, stdout, stderr } = spawnSync("zizmor", [...args, ...paths], { cwd: ROOT, encoding: "utf8" });
  return { status, text: stdout + stderr };
};
const missing = spawnSync("zizmor", ["--version"]).status !== 0;
const told = missing ? " (skipped: zizmor is not on the PATH; pip install -r .ci/requirements.txt)" : "";

it.skipIf(missing)(
  `zizmor, at its most pedantic, has nothing to say about ours and the examples${told}`,
  () => {
    const { status, text } = zizmor(".github", "action.yml", "probe/action.yml", ...actions(), "examples");
    expect(text).toContain("No findings to report");
    expect(status).toBe(0);
  },
  60_000,
);

it.skipIf(missing)(
  `zizmor is heard when it has something to say${told}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "four-tier-zizmor-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, ".github/workflows"), { recursive: true });
    cpSync(join(OURS, "ci.yml"), join(folder, ".github/workflows/ci.yml"));
    const broken = read(join(OURS, "ci.yml")).replace("persist-credentials: false", "fetch-depth: 1");
    writeFileSync(join(folder, ".github/workflows/broken.yml"), broken);
    const { status, text } = zizmor(folder);
    expect(text).toContain("artipacked");
    expect(status).not.toBe(0);
  },
  60_000,
);

function actions(): string[] {
  return spawnSync("git", ["ls-files", "action-*/action.yml"], { cwd: ROOT, encoding: "utf8" })
    .stdout.trim()
    .split("\n");
}
