/** Before the tests of built actions: dist/ is made again if any source is newer than it. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";

export default function build(): void {
  const built = existsSync("dist/index.js") ? statSync("dist/index.js").mtimeMs : 0;
  const sources = globSync(["src/**/*.ts", "package-lock.json", "scripts/build.ts", "scripts/bundle.ts"]);
  if (!sources.some((file) => statSync(file).mtimeMs > built)) return;
  const { status } = spawnSync(process.execPath, ["scripts/build.ts", "--quiet"], { stdio: "inherit" });
  if (status !== 0) throw new Error("dist/ could not be built");
}
