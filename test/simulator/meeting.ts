/** Scenes in which our code meets what is not known of Databricks (both-ways-met.test.ts). */
import { expect, onTestFinished } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import type { DatabricksSimulator } from "../../simulator/databricks/server.ts";
import { FourTierError } from "../../src/findings.ts";
import { type Account, startAccount } from "../account.ts";
import { failures, type Scene, scene } from "../promotion.ts";

export type Turned = NonNullable<DatabricksScenario["behaviours"]>;
/** Plays the scene and expects the same of it in every position; gives who was asked. */
export type Meeting = (behaviours: Turned, value: string | number | boolean) => Promise<DatabricksSimulator>;

export const pipeline = { owner: "ml-pipelines-dev", spec: { name: "p", catalog: "dev", schema: "gold" } };
export const tasks = [{ task_key: "score", notebook_task: { notebook_path: "/a" } }];

/** The ids of the findings of what is thrown. */
export async function thrown(action: Promise<unknown>): Promise<string[]> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof FourTierError) return error.findings.map(({ id }) => id);
  throw new Error(`it was to be refused, and was ${String(error)}`);
}

/** A dev that has the project, and of which a second promotion finds nothing to do. */
export async function deploys(behaviours: Turned, more: Partial<DatabricksScenario> = {}): Promise<Scene> {
  const dev = await scene("dev", { behaviours, ...more });
  expect(failures((await dev.promote()).result)).toEqual([]);
  expect((await dev.promote()).writes).toEqual([]);
  return dev;
}

/** That a promotion deploys and then finds nothing to do is all of it. */
export const promotes: Meeting = async (behaviours) => (await deploys(behaviours)).simulator;

/** An account that ends with the test, which fails if something was asked that is not modelled. */
export async function account(scenario: Partial<DatabricksScenario>, contractTail?: string): Promise<Account> {
  const started = await startAccount(scenario, contractTail);
  onTestFinished(() => expect(started.simulator.unmodelled).toEqual([]));
  return started;
}

/** A file of tests of our code, which says the behaviour's name and each of its positions. */
export interface Elsewhere {
  readonly played: string;
}

/** A scene, where else it is played, or why our code never meets it. */
export type Meetings = Readonly<Record<string, Meeting | Elsewhere | string>>;
