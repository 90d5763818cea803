import { existsSync } from "node:fs";
import { enableCompileCache } from "node:module";

const dist = new URL("../dist/index.js", import.meta.url);
// The job's next step finds the compiled code there; the runner empties the folder after the job.
if (process.env.RUNNER_TEMP) enableCompileCache(`${process.env.RUNNER_TEMP}/four-tier-code`);
if (existsSync(dist)) await (await import(dist.href)).run("validate-grants");
else {
  console.log(
    "::error title=suite/sources-only::This ref holds sources only, use a release tag (or run: npm ci && npm run build).",
  );
  process.exitCode = 1;
}
