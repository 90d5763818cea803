import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { kindsOfTests } from "./test/kinds.ts";
import { ownTemporaryFolder } from "./test/temporary.ts";

ownTemporaryFolder();

/** `@actions/workflow-parser` imports JSON without an attribute; the hook lets plain Node load it. */
const execArgv = ["--import", new URL("./simulator/runner/json-hook.ts", import.meta.url).pathname];

/**
 * vitest leaves one core to itself, which of two cores is half: its own work is small. Tests wait for children, for each
 * other's locks and for clocks, so one more than there are cores.
 */
const WORKERS = Math.max(2, availableParallelism()) + 1;

/**
 * One project a kind of test, so that `npm run check` can run the quick ones alone. Files of a project share a process:
 * loading the modules anew for each took longer than the tests, and what a module keeps (answers of git by object id,
 * a dispatcher) may be shared.
 */
const project = (name: string, include: string[], testTimeout = 10_000) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    execArgv,
    isolate: false,
    maxWorkers: WORKERS,
    // quick tests start no simulator
    setupFiles: name === "unit" ? [] : ["test/measure.ts", "test/forks/setup.ts"],
  },
});

/** A project that needs dist/. */
const built = ({ test }: ReturnType<typeof project>) => ({ test: { ...test, globalSetup: ["test/actions/build.ts"] } });

const { unit, integration } = kindsOfTests(import.meta.dirname);

/** Whole chains of jobs: last. */
const chains = built(project("e2e", ["test/e2e/**/*.test.ts"], 180_000));
const e2e = { test: { ...chains.test, sequence: { groupOrder: 1 } } };

export default defineConfig({
  test: {
    projects: [
      project("unit", unit, 30_000),
      project("integration", integration, 30_000),
      project("simulator", ["test/simulator/**/*.test.ts"], 30_000),
      built(project("actions", ["test/actions/**/*.test.ts"], 60_000)),
      built(project("release", ["test/release-script.test.ts"], 300_000)),
      e2e,
    ],
  },
});
