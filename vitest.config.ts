import { defineConfig } from "vitest/config";

/** `@actions/workflow-parser` imports JSON without an attribute; the hook lets plain Node load it. */
const execArgv = ["--import", new URL("./simulator/runner/json-hook.ts", import.meta.url).pathname];

/** One project a kind of test, so that `npm run check` can run the quick ones alone. */
const project = (name: string, include: string[], exclude: string[] = [], testTimeout = 10_000) => ({
  test: { name, include, exclude, testTimeout, hookTimeout: testTimeout, execArgv },
});

/** A project that needs dist/. */
const built = ({ test }: ReturnType<typeof project>) => ({ test: { ...test, globalSetup: ["test/actions/build.ts"] } });

export default defineConfig({
  test: {
    projects: [
      project(
        "unit",
        ["test/**/*.test.ts"],
        ["test/simulator/**", "test/actions/**", "test/e2e/**", "test/release-script.test.ts"],
      ),
      project("simulator", ["test/simulator/**/*.test.ts"], [], 30_000),
      built(project("actions", ["test/actions/**/*.test.ts"], [], 60_000)),
      project("release", ["test/release-script.test.ts"], [], 300_000),
      built(project("e2e", ["test/e2e/**/*.test.ts"], [], 180_000)),
    ],
  },
});
