/** A file written through the API is one commit on a branch, and what rules and other pushes keep off is refused. */
import { expect, it, test } from "vitest";
import { asJob, asUser, begin, fakeRun } from "./harness.ts";

const file = (text: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  message: "Keep it",
  content: Buffer.from(text).toString("base64"),
  branch: "log",
  ...more,
});

test("a job with contents: write makes a file, and a file that is there is replaced only by who names it", async () => {
  await using world = await begin();
  const { github, repository } = world;
  repository.git("branch", "log");
  const before = repository.git("rev-parse", "log");
  const run = fakeRun(github, repository);
  const job = asJob(github, run, { contents: "write" });
  expect((await asJob(github, run, { contents: "read" }).request("PUT", "/contents/a/b.json", file("1"))).status).toBe(
    403,
  );

  const made = await job.request("PUT", "/contents/a/b.json", file("1\n"));
  expect(made.status).toBe(201);
  const { content, commit } = made.body as { content: { sha: string; path: string }; commit: { sha: string } };
  expect(content.path).toBe("a/b.json");
  expect(repository.git("rev-parse", "log")).toBe(commit.sha);
  expect(repository.git("rev-parse", `${commit.sha}^`)).toBe(before);
  expect(repository.git("log", "-1", "--format=%an %s", "log")).toBe("github-actions[bot] Keep it");
  // what was there stays, and the folder next to it is no reason to refuse
  expect(repository.git("ls-tree", "-r", "--name-only", "log").split("\n")).toEqual(["README.md", "a/b.json"]);
  expect(repository.git("show", "log:a/b.json")).toBe("1");
  expect((await job.get("/contents/a/b.json?ref=log")).body).toMatchObject({ sha: content.sha, size: 2 });

  const again = await job.request("PUT", "/contents/a/b.json", file("2"));
  expect([again.status, again.body]).toEqual([
    422,
    expect.objectContaining({ message: expect.stringContaining(`"sha" wasn't supplied`) as string }),
  ]);
  expect((await job.request("PUT", "/contents/a/b.json", file("2", { sha: "0".repeat(40) }))).status).toBe(409);
  expect((await job.request("PUT", "/contents/a/b.json", file("2", { sha: content.sha }))).status).toBe(200);
  expect((await job.request("PUT", "/contents/a", file("2"))).status).toBe(422);
  expect((await job.request("PUT", "/contents/c", file("2", { branch: "none" }))).status).toBe(404);
  expect((await job.request("PUT", "/contents/c", file("2", { content: "%" }))).status).toBe(422);
  expect(github.unmodelled).toEqual([]);
});

test("of two at the same moment one is refused, and nothing of the other is lost", async () => {
  await using world = await begin();
  world.repository.git("branch", "log");
  const job = asJob(world.github, fakeRun(world.github, world.repository), { contents: "write" });
  const names = ["1", "2", "3", "4"];
  const answers = await Promise.all(names.map((name) => job.request("PUT", `/contents/${name}`, file(name))));
  const made = names.filter((_, index) => answers[index]?.status === 201);
  expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual([]);
  expect(made.length).toBeGreaterThan(0);
  expect(world.repository.git("ls-tree", "--name-only", "log").split("\n")).toEqual([...made, "README.md"].toSorted());
});

it.each([true, false])(
  "a branch that takes pull requests only takes no file; as a conflict: %s",
  async (rules_refuse_as_conflict) => {
    await using world = await begin({ protected_branches: { log: {} }, assumptions: { rules_refuse_as_conflict } });
    world.repository.git("branch", "log");
    const job = asJob(world.github, fakeRun(world.github, world.repository), { contents: "write" });
    const refused = await job.request("PUT", "/contents/a", file("1"));
    expect(refused.status).toBe(rules_refuse_as_conflict ? 409 : 422);
    expect(refused.body).toMatchObject({
      message: expect.stringContaining("Repository rule violations found") as string,
    });
  },
);

test("only active rules are listed, also of a branch that is not there", async () => {
  const appendOnly = { require_pull_request: false };
  await using world = await begin({
    protected_branches: {
      log: appendOnly,
      trying: { ...appendOnly, enforcement: "evaluate" },
      off: { ...appendOnly, enforcement: "disabled" },
      half: { ...appendOnly, forbid_deletion: false },
    },
  });
  const client = asUser(world.github, "octocat");
  const types = async (branch: string): Promise<string[]> =>
    ((await client.get(`/rules/branches/${branch}`)).body as { type: string }[]).map(({ type }) => type);
  expect(await types("log")).toEqual(["deletion", "non_fast_forward"]);
  expect(await types("half")).toEqual(["non_fast_forward"]);
  expect([await types("trying"), await types("off"), await types("other")]).toEqual([[], [], []]);
});
