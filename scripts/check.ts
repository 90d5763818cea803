// The inner loop, `npm run check`: types, lint, format, generated files and the quick tests. Arguments go to the tests.
//
// Types are checked again where something changed since the last time; rules that need types are asked of the files that
// differ from the upstream branch. `npm test` asks everything of every file.
import { execFileSync } from "node:child_process";
import { extname } from "node:path";
import { FORMAT, GENERATED, LINT, runSteps, type Step, TYPE_CHECK } from "./steps.ts";

const git = (...args: string[]): string[] =>
  execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .split("\n")
    .filter((line) => line !== "");

/** Where this branch left its upstream; HEAD where it has none. */
function base(): string {
  try {
    return git("merge-base", "HEAD", "@{upstream}")[0] ?? "HEAD";
  } catch {
    return "HEAD";
  }
}

const changed = [
  ...git("diff", "--name-only", "--relative", "--diff-filter=d", base()),
  ...git("ls-files", "--others", "--exclude-standard"),
].filter((file) => extname(file) === ".ts");

const [typeCheck, tsc, tscArgs] = TYPE_CHECK;
const [lint, oxlint, lintArgs] = LINT;
const state = "node_modules/.cache/four-tier/check.tsbuildinfo";
const steps: readonly Step[] = [
  [typeCheck, tsc, [...tscArgs, "--incremental", "--tsBuildInfoFile", state]],
  [`${lint}, without types`, oxlint, ["--deny-warnings"]],
  ...(changed.length === 0
    ? []
    : [[`${lint} of ${changed.length} changed files`, oxlint, [...lintArgs, ...changed]] satisfies Step]),
  FORMAT,
  ...GENERATED,
  ["quick tests", "vitest", ["run", "--project", "unit", ...process.argv.slice(2)]],
];
process.exitCode = (await runSteps(steps)) === 0 ? 0 : 1;
