/** The order of jobs: needs, matrices, and what several ends come to. */
import { type Dictionary, isDictionary, resolve, type Scope, textOf, type Value } from "./expressions.ts";
import { combinations } from "./matrix.ts";
import { UnmodelledError } from "./unmodelled.ts";
import type { JobModel } from "./workflow.ts";

/** How a job, or a whole called workflow, ended for those that need it. */
export interface NodeResult {
  readonly result: "success" | "failure" | "cancelled" | "skipped";
  readonly outputs: Readonly<Record<string, string>>;
}

/** The end of a job that never began. */
export const SKIPPED: NodeResult = { result: "skipped", outputs: {} };

/** Everything a job needs, directly or not, each after what it needs itself. */
export function ancestorsOf(jobs: readonly JobModel[], id: string): readonly string[] {
  const found = new Set<string>();
  const visit = (one: string): void => {
    for (const need of jobs.find((job) => job.id === one)?.needs ?? []) {
      visit(need);
      found.add(need);
    }
  };
  visit(id);
  return [...found];
}

/** A workflow fails with any of its jobs; if all were skipped, it was skipped. */
export function overall(ends: readonly NodeResult[]): NodeResult["result"] {
  const has = (result: NodeResult["result"]): boolean => ends.some((end) => end.result === result);
  if (has("failure")) return "failure";
  if (has("cancelled")) return "cancelled";
  return has("success") ? "success" : "skipped";
}

interface Strategy {
  /** One a combination; a job without a matrix is one, without any. */
  readonly instances: readonly (Dictionary | undefined)[];
  readonly failFast: boolean;
  /** How many run at a time. */
  readonly limit: number;
}

/** The jobs that a job of a workflow becomes, and how they run beside each other. */
export function strategyOf(job: JobModel, scope: Scope): Strategy {
  const value = job.strategy === undefined ? {} : resolve(job.strategy, scope);
  const strategy = isDictionary(value) ? value : {};
  const { matrix } = strategy;
  const instances = matrix === undefined ? [undefined] : combinations(matrix);
  const limit = Number(strategy["max-parallel"] ?? instances.length);
  if (!(limit >= 1)) throw new UnmodelledError(`max-parallel ${textOf(strategy["max-parallel"] ?? null)}`);
  return { instances, failFast: strategy["fail-fast"] !== false, limit };
}

/** `runs-on` as a list. */
export function labelsOf(value: Value): readonly string[] {
  if (typeof value !== "string" && !Array.isArray(value)) throw new UnmodelledError("runs-on with a group");
  const list: readonly Value[] = typeof value === "string" ? [value] : value;
  const labels = list.map(String);
  const other = labels.find((label) => /^(self-hosted$|windows|macos|.*-arm$)/i.test(label));
  if (other !== undefined) throw new UnmodelledError(`a runner ${other}`);
  if (labels.length !== 1) throw new UnmodelledError(`a runner with ${labels.length} labels`);
  return labels;
}

/** Waits for all, so that nothing goes on unseen, and only then throws what was thrown first. */
export async function settle<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(promises);
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}

/** At most `limit` at a time, results in order. */
export async function pool<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      const item = items[index] as T;
      results[index] = await work(item, index);
    }
  };
  await settle(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/** `timeout-minutes`; what the service makes of none or less is nowhere said. */
export function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new UnmodelledError(`timeout-minutes ${text}`);
  return minutes;
}
