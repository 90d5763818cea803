/** A throw-away git repository for a test. */
import { rmSync } from "node:fs";
import { onTestFinished } from "vitest";
import { newRepository } from "../repository.ts";

export interface Repository {
  readonly folder: string;
  git(...args: readonly string[]): string;
  /** Writes files (undefined deletes one) and commits them; gives the commit. */
  commit(files: Readonly<Record<string, string | undefined>>, message?: string): string;
}

/** Makes a repository with branch main; it is gone when the test is. */
export function makeRepository(): Repository {
  const made = newRepository();
  onTestFinished(() => rmSync(made.folder, { recursive: true, force: true }));
  return {
    folder: made.folder,
    git: (...args) => made.git(...args),
    commit: (files, message = "Change") => made.change(files, message),
  };
}
