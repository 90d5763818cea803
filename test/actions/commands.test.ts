import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseCommand } from "../../simulator/runner/commands.ts";
import { FileCommands } from "../../simulator/runner/file-commands.ts";
import { core as runner } from "../../src/actions/toolkit.ts";

let folder: string;
let said: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "four-tier-commands-"));
  said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test("what is said in a command arrives whole, and no text can begin a second command", () => {
  const nasty = "100%, done: a\r\n::error::b%0A";
  runner.error(nasty, { title: "x:y,z", file: "a,b.yml", startLine: 3, startColumn: 7 });
  expect(said.split("\n").filter((line) => line !== "")).toHaveLength(1);
  expect(parseCommand(said.trimEnd())).toEqual({
    name: "error",
    properties: { title: "x:y,z", file: "a,b.yml", line: "3", col: "7" },
    message: nasty,
  });
});

test("a secret is masked by a command of its own, whatever it contains", () => {
  runner.setSecret("dose\n50%");
  expect(parseCommand(said.trimEnd())).toMatchObject({ name: "add-mask", message: "dose\n50%" });
});

test("outputs, variables and summary come out of the runner's files as they went in", async () => {
  const files = await FileCommands.create(folder);
  for (const [name, value] of Object.entries(files.env)) vi.stubEnv(name, value);
  const value = "two\nlines, and EOF<<ghadelimiter_\n";
  runner.setOutput("report", value);
  runner.setOutput("conclusion", "success");
  runner.exportVariable("FOUR_TIER_TEST", value);
  await runner.summary.addRaw("## Done", true).write();
  vi.stubEnv("FOUR_TIER_TEST", undefined);
  const { outputs, env, summary } = await files.collect();
  expect({ outputs, env, summary }).toEqual({
    outputs: { report: value, conclusion: "success" },
    env: { FOUR_TIER_TEST: value },
    summary: "## Done\n",
  });
});

test("an input has the runner's variable, blanks and all", () => {
  vi.stubEnv("INPUT_A_LONG-NAME", "  given ");
  expect([runner.getInput("a long-name"), runner.getInput("not given")]).toEqual(["given", ""]);
});
