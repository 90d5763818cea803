/** Git that the shell starts does and says what git does that Node starts. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Command, openGitShell } from "./shell.ts";

const folder = mkdtempSync(join(tmpdir(), "four-tier-git-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "it's here"));

const shell = openGitShell();
const env = { PATH: process.env["PATH"], HOME: folder, GIT_CONFIG_NOSYSTEM: "1" };
const awkward = ["it's", 'a "b" $HOME `id`', "two\nlines", "-", "", "ä\t*", String.raw`back\slash`];
const echo = ["-c", `alias.echo=!printf '<%s>'`, "echo"];

const commands: Readonly<Record<string, Command>> = {
  "arguments that a shell would read": { args: [...echo, ...awkward], cwd: folder, env },
  "a folder that a shell would read": {
    args: ["-c", "alias.where=!pwd", "where"],
    cwd: join(folder, "it's here"),
    env,
  },
  "variables, and no others": {
    args: ["-c", "alias.env=!env | grep -v ^_= | sort", "env"],
    cwd: folder,
    env: { ...env, GIT_AUTHOR_NAME: "O'Brien\n$HOME", PWD: "/elsewhere" },
  },
  "what fails": { args: ["rev-parse", "HEAD"], cwd: folder, env },
  "no such folder": { args: ["version"], cwd: join(folder, "none"), env },
  "no git on the PATH": { args: ["version"], cwd: folder, env: { ...env, PATH: folder } },
};

for (const [name, command] of Object.entries(commands)) {
  const { args, cwd } = command;
  const { status, stdout, stderr, error } = spawnSync("git", args, { cwd, env: { ...command.env } });
  const said = { status: error === undefined ? status : undefined, stdout: text(stdout), stderr: text(stderr) };

  test(`${name}: at once`, () => expect(read(shell.runNow(command))).toEqual(said));
  test(`${name}: meanwhile`, async () => expect(read(await shell.run(command, Buffer.of()))).toEqual(said));

  function read(ended: ReturnType<typeof shell.runNow>): typeof said {
    // what could not be started said nothing: the shell's own words are not compared
    return { status: ended.status, stdout: text(ended.stdout), stderr: error === undefined ? text(ended.stderr) : "" };
  }
}

test("any bytes come in and out, also of many at the same time", async () => {
  const contents = Array.from({ length: 200 }, () => randomBytes(5000));
  const ended = await Promise.all(
    contents.map((content) => shell.run({ args: ["-c", "alias.same=!cat", "same"], cwd: folder, env }, content)),
  );
  expect(ended.map(({ stdout }) => stdout)).toEqual(contents);
});

function text(bytes: Buffer | null): string {
  return bytes?.toString("utf8") ?? "";
}
