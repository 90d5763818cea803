/**
 * What anybody left in the machine's own temporary folders since a moment: a step of a workflow or a child of an action
 * may spell `/tmp/…` out. Our actions themselves cannot (test/actions/confined.ts). Not seen: a file that was there before
 * and is written again below a folder in which nothing was made, other folders than these, and more than the limits below.
 */
import { type Dirent, existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TEMPORARY = ["/tmp", "/var/tmp", "/dev/shm"];
/** Runs of tests have their own, which each play searches; packages are installed, not left. */
const PASSED_OVER = /^(four-tier-run-\d+|node_modules)$/;
/** A file system tells the time a little late. */
const TICK_MS = 50;
/** More is no file of ours, and whoever else uses the machine is not to slow us down. */
const MOST_BYTES = 1024 * 1024;
const MOST_FILES = 1000;

/** Text of each file that was made or changed after `since`, in milliseconds, by its path. */
export function leftOutside(since: number, folders: readonly string[] = TEMPORARY): Record<string, string> {
  const places: Record<string, string> = {};
  const waiting = folders.filter((folder) => existsSync(folder));
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (PASSED_OVER.test(entry.name) || !isNew(path, since)) continue;
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile()) Object.assign(places, textOf(path));
      if (Object.keys(places).length + waiting.length >= MOST_FILES) return places;
    }
  }
  return places;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // somebody else's, or gone meanwhile
  }
}

function isNew(path: string, since: number): boolean {
  try {
    return lstatSync(path).ctimeMs >= since - TICK_MS;
  } catch {
    return false;
  }
}

function textOf(path: string): Record<string, string> {
  try {
    return lstatSync(path).size > MOST_BYTES ? {} : { [path]: readFileSync(path, "latin1") };
  } catch {
    return {};
  }
}
