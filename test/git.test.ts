import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { FourTierError } from "../src/findings.ts";
import { type Git, openGit } from "../src/git.ts";
import { clone, newFolder, newRepository, PLAIN_ENVIRONMENT, type Repository, removeFolders } from "./repository.ts";

afterAll(removeFolders);

const open = (repository: Repository, environment: Record<string, string> = {}): Git =>
  openGit(repository.folder, { ...PLAIN_ENVIRONMENT, ...environment });

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("utf8");

/** The ids of the findings that a promise is rejected with. */
async function refusal(promise: Promise<unknown>): Promise<string[]> {
  const error: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  return error instanceof FourTierError ? error.findings.map((finding) => finding.id) : [String(error)];
}

describe("commits", () => {
  it("lists tracked files with mode and id, whatever their names", async () => {
    const repository = newRepository();
    const names = [
      "a b.txt",
      'quote".txt',
      "-dash.txt",
      "line\nbreak.txt",
      "ünï/日本.txt",
      "tab\there.txt",
      ":(top)x",
      "*",
    ];
    for (const name of names) repository.write(name, name);
    repository.write("run.sh", "#!/bin/sh\n", { executable: true });
    repository.link("link", "a b.txt");
    const commit = repository.commit();
    const git = open(repository);
    const tracked = await git.tracked(commit);
    expect(tracked.map((file) => file.path)).toEqual([...names, "run.sh", "link"].sort());
    expect(tracked.find((file) => file.path === "run.sh")?.mode).toBe("100755");
    expect(tracked.find((file) => file.path === "link")?.mode).toBe("120000");
    // whether the list of files is known, or not asked for yet
    for (const ask of [git, open(repository)]) {
      for (const name of names) expect(text(await ask.readFile(commit, name))).toBe(name);
      expect(text(await ask.readFile(commit, "link"))).toBe("a b.txt");
      expect(await ask.readFile(commit, "nowhere")).toBeUndefined();
    }
  });

  it("reads one file with one process, and takes nothing for a file that is none", async () => {
    const repository = newRepository({ "ml/a": "1", b: "2" });
    const commit = repository.commit();
    const trace = join(newFolder(), "trace");
    const git = open(repository, { GIT_TRACE: trace });
    expect(text(await git.readFile(commit, "ml/a"))).toBe("1");
    expect(readFileSync(trace, "utf8").match(/built-in: git \S+/g)).toEqual(["built-in: git cat-file"]);
    for (const path of ["ml", "ml/", "./b", "../b", "/b", "", "b\n"]) {
      expect(await open(repository).readFile(commit, path)).toBeUndefined();
    }
    expect(await refusal(open(repository).readFile("0".repeat(40), "b"))).toEqual(["git/unknown-commit"]);
    expect(await refusal(open(repository).readFile("HEAD", "b"))).toEqual(["git/commit"]);
    const tree = repository.git("rev-parse", `${commit}^{tree}`); // it has the file, and is no commit
    expect(await refusal(open(repository).readFile(tree, "b"))).toEqual(["git/unknown-commit"]);
  });

  it("reads a commit and not the working tree", async () => {
    const repository = newRepository({ "a.txt": "one" });
    const first = repository.commit();
    repository.write("a.txt", "two");
    const git = open(repository);
    expect(text(await git.readFile(first, "a.txt"))).toBe("one");
    repository.commit();
    expect(text(await git.readFile(first, "a.txt"))).toBe("one");
  });

  it("lists what is under a folder only, and refuses a folder outside", async () => {
    const repository = newRepository({ "ml/a": "1", "ml/b/c": "2", "mlx/d": "3", e: "4" });
    const git = open(repository);
    const head = await git.head();
    for (const root of ["ml", "./ml", "ml/"]) {
      expect((await git.tracked(head, root)).map((file) => file.path)).toEqual(["ml/a", "ml/b/c"]);
    }
    expect((await git.tracked(head, ".")).length).toBe(4);
    for (const root of ["..", "ml/../..", "/etc", "ml\\.."]) {
      expect(await refusal(git.tracked(head, root))).toEqual(["git/root"]);
    }
  });

  it("finds the repository from a folder inside it", async () => {
    const repository = newRepository({ "ml/a": "1" });
    const git = openGit(join(repository.folder, "ml"), PLAIN_ENVIRONMENT);
    expect((await git.tracked(await git.head())).map((file) => file.path)).toEqual(["ml/a"]);
  });

  it("gives a bundle's source: texts, names, and nothing for what is binary", async () => {
    const repository = newRepository({
      "databricks.yml": "bundle: {}\n",
      "src/a.py": "print()\n",
      "src/big.yml": "x: 1\n".repeat(300_000),
    });
    repository.write("model.bin", Uint8Array.of(1, 0, 2));
    repository.write("latin1.txt", Uint8Array.of(0xe4, 0x20));
    const source = await open(repository).sourceAt(repository.commit());
    expect(source.list()).toEqual(["databricks.yml", "latin1.txt", "model.bin", "src/a.py", "src/big.yml"]);
    expect(source.files.get("databricks.yml")).toBe("bundle: {}\n");
    expect(source.readText("src/a.py")).toBe("print()\n");
    expect(source.readText("src/big.yml")?.length).toBe(1_500_000);
    expect([source.readText("model.bin"), source.readText("latin1.txt"), source.readText("nowhere")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([source.has("model.bin"), source.has("src")]).toEqual([true, false]);
  });

  it("reads a small commit whole when its list of files is known, and of a big one what is asked for", async () => {
    for (const [size, processes] of [
      [10, 1],
      [300_000, 2],
    ] as const) {
      const repository = newRepository({ "a.txt": "one", "b.txt": "x".repeat(size) });
      const trace = join(newFolder(), "trace");
      const git = open(repository, { GIT_TRACE: trace });
      await git.tracked(repository.head());
      expect(text(await git.readFile(repository.head(), "a.txt"))).toBe("one");
      expect((await git.readFile(repository.head(), "b.txt"))?.length).toBe(size);
      expect(readFileSync(trace, "utf8").match(/built-in: git cat-file/g)?.length).toBe(processes);
    }
  });

  it("works in a repository with SHA-256 ids", async () => {
    const repository = newRepository({ "a.txt": "one" }, ["--object-format=sha256"]);
    const git = open(repository);
    const head = await git.head();
    expect(head).toMatch(/^[0-9a-f]{64}$/);
    expect(text(await git.readFile(head, "a.txt"))).toBe("one");
    expect(await git.checkoutEquals(head)).toEqual([]);
  });

  it.each(["main", "HEAD", "abc1234", "-x", "--upload-pack=touch x", "A".repeat(40), `${"a".repeat(40)}\n`, ""])(
    "takes only whole commit ids, so not %j",
    async (commit) => {
      const git = open(newRepository({ a: "1" }));
      expect(await refusal(git.tracked(commit))).toEqual(["git/commit"]);
      expect(await refusal(git.isAncestor(commit, commit))).toEqual(["git/commit"]);
    },
  );

  it("says that a commit is not in this clone", async () => {
    const git = open(newRepository({ a: "1" }));
    expect(await refusal(git.tracked("a".repeat(40)))).toEqual(["git/unknown-commit"]);
    expect(await git.resolve("no-such-branch")).toBeUndefined();
    expect(await git.resolve("main")).toBe(await git.head());
  });
});

describe("history", () => {
  it("knows ancestors, merge bases and the commits between", async () => {
    const repository = newRepository();
    const first = repository.commit("first");
    const second = repository.commit("second");
    repository.git("switch", "--quiet", "-c", "side", first);
    const side = repository.commit("side: ünï\n\nbody");
    repository.git("switch", "--quiet", "--orphan", "alone");
    const alone = repository.commit("alone");
    const git = open(repository);
    expect(await git.isAncestor(first, second)).toBe(true);
    expect(await git.isAncestor(first, first)).toBe(true);
    expect(await git.isAncestor(second, first)).toBe(false);
    expect(await git.isAncestor(side, second)).toBe(false);
    expect(await git.mergeBase(side, second)).toBe(first);
    expect(await git.mergeBase(alone, second)).toBeUndefined();
    expect((await git.log(first, second)).map((entry) => entry.commit)).toEqual([second]);
    expect(await git.log(second, second)).toEqual([]);
    expect(await git.log(undefined, side)).toMatchObject([
      { commit: side, parents: [first], authorName: "Mona", authorEmail: "mona@example.com", subject: "side: ünï" },
      { commit: first, parents: [], subject: "first" },
    ]);
  });

  it("does not guess in a shallow clone", async () => {
    const origin = newRepository();
    const first = origin.commit("first");
    const second = origin.commit("second");
    origin.git("switch", "--quiet", "-c", "other", first);
    const other = origin.commit("other");
    const git = open(clone(origin, "--depth=1", "--no-single-branch"));
    expect(await git.isShallow()).toBe(true);
    expect(await open(origin).isShallow()).toBe(false);
    expect(await refusal(git.isAncestor(other, second))).toEqual(["git/shallow"]);
    expect(await refusal(git.mergeBase(other, second))).toEqual(["git/shallow"]);
    expect(await refusal(git.log(other, second))).toEqual(["git/shallow"]);
    expect(await refusal(git.isAncestor(first, second))).toEqual(["git/unknown-commit"]);
    // what the clone has, it can tell
    expect(await git.isAncestor(second, second)).toBe(true);
    expect((await git.tracked(second)).length).toBe(0);
  });
});

describe("trust", () => {
  it("is not led to another repository by the environment", async () => {
    const repository = newRepository({ a: "ours" });
    const other = newRepository({ a: "theirs" });
    const git = open(repository, { GIT_DIR: join(other.folder, ".git"), GIT_WORK_TREE: other.folder });
    expect(text(await git.readFile(await git.head(), "a"))).toBe("ours");
    expect(await git.head()).toBe(repository.git("rev-parse", "HEAD"));
  });

  it("does not follow replace refs", async () => {
    const repository = newRepository({ a: "true" });
    const blob = repository.git("rev-parse", "HEAD:a");
    writeFileSync(join(repository.folder, "false"), "false");
    repository.git("replace", blob, repository.git("hash-object", "-w", "false"));
    const git = open(repository);
    expect(text(await git.readFile(await git.head(), "a"))).toBe("true");
  });

  it("notices an object whose content is not what its id says", async () => {
    const repository = newRepository({ a: "true" });
    const blob = repository.git("rev-parse", "HEAD:a");
    const object = join(repository.folder, ".git/objects", blob.slice(0, 2), blob.slice(2));
    chmodSync(object, 0o644);
    writeFileSync(object, deflateSync("blob 5\0false"));
    const git = open(repository);
    expect(await refusal(git.readFile(await git.head(), "a"))).toEqual(["git/damaged"]);
  });

  it("says what to do about a folder that belongs to somebody else", async () => {
    const repository = newRepository({ a: "1" });
    const asked = open(repository, { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" }).head();
    const error: unknown = await asked.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(FourTierError);
    expect(String(error)).toContain(`git config --global --add safe.directory ${repository.folder}`);
  });

  it("says that there is no repository, no commit, no git", async () => {
    expect(await refusal(openGit(newFolder(), PLAIN_ENVIRONMENT).head())).toEqual(["git/no-repository"]);
    expect(await refusal(open(newRepository()).head())).toEqual(["git/no-commit"]);
    expect(await refusal(openGit(newFolder(), { PATH: newFolder() }).head())).toEqual(["git/not-installed"]);
  });
});

describe("the checkout", () => {
  /** The paths that differ, and how. */
  const differences = async (repository: Repository, root?: string): Promise<string[]> => {
    const git = open(repository);
    const findings = await git.checkoutEquals(await git.head(), root);
    expect(findings.every((finding) => finding.id === "release/checkout-differs")).toBe(true);
    return findings.map((finding) => finding.message);
  };
  const FILES = { "src/a.py": "print('a')\n", "src/b.py": "print('b')\n", "README.md": "# hello\n" };

  it("is equal as it was checked out, with any untracked files beside", async () => {
    const repository = newRepository(FILES);
    repository.write("src/untracked.py", "x");
    repository.write(".env", "x");
    expect(await differences(repository)).toEqual([]);
  });

  it("differs by one changed byte, even one that git was told not to look at", async () => {
    const repository = newRepository(FILES);
    repository.git("update-index", "--assume-unchanged", "src/a.py");
    repository.git("update-index", "--skip-worktree", "src/b.py");
    repository.write("src/a.py", "print('A')\n");
    repository.write("src/b.py", "print('B')\n");
    expect(repository.git("status", "--porcelain")).toBe("");
    expect(await differences(repository)).toEqual([
      "src/a.py in the checkout has other bytes.",
      "src/b.py in the checkout has other bytes.",
    ]);
  });

  it("differs by a staged change, a removed file, and another commit's content", async () => {
    const repository = newRepository(FILES);
    repository.write("src/a.py", "staged");
    repository.git("add", "src/a.py");
    rmSync(join(repository.folder, "src/b.py"));
    expect(await differences(repository)).toEqual([
      "src/a.py in the checkout has other bytes.",
      "src/b.py in the checkout is missing.",
    ]);
    const first = repository.git("rev-parse", "HEAD");
    repository.commit();
    const git = open(repository);
    expect((await git.checkoutEquals(first)).length).toBe(2);
    expect(await git.checkoutEquals(await git.head())).toEqual([]);
  });

  it("looks only under the bundle's folder", async () => {
    const repository = newRepository(FILES);
    repository.write("README.md", "# other\n");
    expect(await differences(repository, "src")).toEqual([]);
    expect(await differences(repository)).toEqual(["README.md in the checkout has other bytes."]);
  });

  it("does not differ by an executable bit where the machine knows none, but by what the file holds", async () => {
    const repository = newRepository(FILES);
    repository.git("config", "core.fileMode", "false");
    repository.write("README.md", FILES["README.md"], { executable: true });
    repository.write("src/a.py", "other", { executable: true });
    expect(await differences(repository)).toEqual(["src/a.py in the checkout has other bytes."]);
  });

  it("differs by an executable bit, a link's target, a link for a file and a file for a link", async () => {
    const repository = newRepository(FILES);
    repository.write("run.sh", "x\n", { executable: true });
    repository.link("link1", "src/a.py");
    repository.link("link2", "src/a.py");
    repository.commit();
    repository.write("README.md", FILES["README.md"], { executable: true });
    repository.write("run.sh", "x\n", { executable: false });
    rmSync(join(repository.folder, "link1"));
    repository.link("link1", "src/b.py");
    rmSync(join(repository.folder, "link2"));
    repository.write("link2", "src/a.py");
    rmSync(join(repository.folder, "src/b.py"));
    repository.write("copy.py", FILES["src/b.py"]);
    repository.link("src/b.py", "../copy.py");
    expect(await differences(repository)).toEqual([
      "README.md in the checkout became executable.",
      "link1 in the checkout points elsewhere.",
      "link2 in the checkout is not a symbolic link.",
      "run.sh in the checkout is no longer executable.",
      "src/b.py in the checkout is not a regular file.",
    ]);
  });

  it("differs if a folder became a link to somewhere with equal content", async () => {
    const repository = newRepository(FILES);
    renameSync(join(repository.folder, "src"), join(repository.folder, "elsewhere"));
    repository.link("src", "elsewhere");
    expect(await differences(repository)).toEqual([
      "src/a.py in the checkout is reached through a symbolic link.",
      "src/b.py in the checkout is reached through a symbolic link.",
    ]);
  });

  it("does not differ by line ends that the repository's rules or the machine's settings convert", async () => {
    const origin = newRepository({
      ".gitattributes": "*.sql text eol=crlf\n",
      "q.sql": "select 1\nselect 2\n",
      "a.py": "x\ny\n",
    });
    const windows = clone(origin, "-c", "core.autocrlf=true");
    expect(windows.git("ls-files", "--eol")).toContain("w/crlf");
    expect(await differences(windows)).toEqual([]);
    expect(await differences(origin)).toEqual([]);
    windows.write("a.py", "x\r\nz\r\n");
    expect(await differences(windows)).toEqual(["a.py in the checkout has other bytes."]);
  });

  it("differs by line ends that nobody converts", async () => {
    const repository = newRepository({ ".gitattributes": "*.bin -text\n", "a.bin": "x\ny\n", "a.py": "x\ny\n" });
    repository.write("a.bin", "x\r\ny\r\n");
    repository.write("a.py", "x\r\ny\r\n");
    expect(await differences(repository)).toEqual([
      "a.bin in the checkout has other bytes.",
      "a.py in the checkout has other bytes.",
    ]);
  });

  it("does not believe a filter of the machine's configuration", async () => {
    const repository = newRepository(FILES);
    repository.git("config", "filter.liar.clean", "git cat-file blob HEAD:src/a.py");
    repository.write(".git/info/attributes", "src/a.py filter=liar\n");
    repository.write("src/a.py", "evil()\n");
    // git itself is fooled
    repository.git("add", "src/a.py");
    expect(repository.git("status", "--porcelain")).toBe("");
    expect(await differences(repository)).toEqual(["src/a.py in the checkout has other bytes."]);
  });

  it("shows some of very many", async () => {
    const repository = newRepository(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}`, "x"])));
    for (const name of readdirSync(repository.folder)) if (name.startsWith("f")) repository.write(name, "y");
    const found = await differences(repository);
    expect(found.length).toBe(21);
    expect(found.at(-1)).toBe("10 more files of the checkout differ.");
  });
});
