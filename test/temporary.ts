/** One temporary folder for a whole run of the tests: whatever a test leaves in it, also by crashing, goes with the run. */
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** In memory, where there is much of it: git writes thousands of small files. */
const MEMORY = "/dev/shm";
const ENOUGH_BYTES = 4 * 1024 ** 3;

const NAME = /^four-tier-run-(\d+)$/;

/**
 * Makes the folder and names it in TMPDIR, which workers, actions and git inherit; removes it when this process ends,
 * and what runs left that were killed.
 */
export function ownTemporaryFolder(): void {
  const all = whereToWrite();
  if (NAME.test(all.split("/").at(-1) ?? "")) return; // a run inside a run
  for (const name of readdirSync(all)) {
    const [, pid] = NAME.exec(name) ?? [];
    if (pid !== undefined && !lives(Number(pid))) remove(join(all, name));
  }
  const folder = join(all, `four-tier-run-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  process.env["TMPDIR"] = folder;
  process.on("exit", () => remove(folder));
}

function whereToWrite(): string {
  if (process.env["TMPDIR"] !== undefined || !existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ENOUGH_BYTES ? MEMORY : tmpdir();
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
