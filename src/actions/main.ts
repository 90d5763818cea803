/** The one entry of dist/: each action's main.js calls `run` with its name, and only that action's code is loaded. */
import { runAction } from "./frame.ts";

const actions = {
  "setup-env": async () => (await import("./setup-env.ts")).setupEnv,
  promote: async () => (await import("./promote.ts")).promote,
  "validate-grants": async () => (await import("./validate-grants.ts")).validateGrants,
  "pause-pipelines": async () => (await import("./pause-pipelines.ts")).pausePipelines,
  "clean-sandboxes": async () => (await import("./clean-sandboxes.ts")).cleanSandboxes,
  "report-drift": async () => (await import("./report-drift.ts")).reportDrift,
} as const;

type ActionName = keyof typeof actions;

/** Runs one action to its end; the process's exit code tells how it went. */
export async function run(name: ActionName): Promise<void> {
  await runAction(name, async (context) => (await actions[name]())(context));
}
