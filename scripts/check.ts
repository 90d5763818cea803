// The inner loop, `npm run check`: types, lint, format and the quick tests. Arguments go to the tests.
import { runSteps, STATIC_CHECKS } from "./steps.ts";

const quick = ["run", "--project", "unit", "--reporter=dot", ...process.argv.slice(2)];
process.exitCode = (await runSteps([...STATIC_CHECKS, ["quick tests", "vitest", quick]])) === 0 ? 0 : 1;
