import { existsSync } from "node:fs";
const dist = new URL("../dist/index.js", import.meta.url);
if (existsSync(dist)) await (await import(dist.href)).run("pause-pipelines");
else {
  console.log(
    "::error title=suite/sources-only::This ref holds sources only, use a release tag (or run: npm ci && npm run build).",
  );
  process.exitCode = 1;
}
