/** The benches measure by hand and on quiet machines; small ones show here that they still run, and count what they say. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execute = promisify(execFile);

async function bench(...args: string[]): Promise<unknown> {
  const hook = ["--import", "./simulator/runner/json-hook.ts"];
  const { stdout } = await execute(process.execPath, [...hook, "bench/main.ts", ...args, "--latency", "0"]);
  return JSON.parse(stdout);
}

test("schedules: what differs is written, by the action and by the script beside it", async () => {
  expect(await bench("schedules", "--jobs", "20", "--drifted", "2")).toMatchObject({
    // the page of the list, each job read, the two written
    schedules: { jobs: 20, drifted: 2, loop_requests: 24 },
  });
});

test("grants: both readers see as many securables as the loop asks for", async () => {
  const size = ["--schemas", "2", "--tables", "6", "--principals", "3", "--groups", "2"];
  expect(await bench("grants", ...size)).toMatchObject({ grants: { securables: 9 } });
});
