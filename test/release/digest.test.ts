import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { openGit } from "../../src/git.ts";
import { type Artifact, checkFiles, type ReleaseFile, releaseDigest } from "../../src/release/digest.ts";
import { clone, newRepository, PLAIN_ENVIRONMENT, removeFolders } from "../repository.ts";

afterAll(removeFolders);

const file = (path: string, content = "x", mode = "100644"): ReleaseFile => ({
  path,
  mode,
  content: Buffer.from(content),
});
const hex = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The files of a commit as a release has them. */
async function filesOf(folder: string): Promise<ReleaseFile[]> {
  const git = openGit(folder, PLAIN_ENVIRONMENT);
  const tracked = await git.tracked(await git.head());
  const blobs = await git.readBlobs(tracked.map(({ blob }) => blob));
  return tracked.map(({ path, mode, blob }) => ({ path, mode, content: blobs.get(blob) ?? new Uint8Array() }));
}

describe("the release digest", () => {
  it("is what a shell script computes from git alone", async () => {
    const repository = newRepository({
      "databricks.yml": "bundle: {}\n",
      "src/a b.py": "a\n",
      "src/𐀀.py": "b\n",
      "src/ﬀ.py": "c\n",
    });
    repository.write("run.sh", "#!/bin/sh\n", { executable: true });
    repository.commit();
    const script = `
      git ls-tree -r -z HEAD | while IFS= read -r -d '' entry; do
        path="\${entry#*$'\\t'}"; set -- \${entry%%$'\\t'*}
        printf '%s %s %s\\n' "$1" "$path" "$(git cat-file blob "$3" | sha256sum | cut -d' ' -f1)"
      done > ../lines
      printf 'artifact scoring-1.0-py3-none-any.whl ${"0".repeat(64)}\\n' >> ../lines
      LC_ALL=C sort ../lines | sha256sum | cut -d' ' -f1; rm ../lines`;
    const shell = execFileSync("bash", ["-c", script], {
      cwd: repository.folder,
      env: PLAIN_ENVIRONMENT,
      encoding: "utf8",
    });
    const wheel = { name: "scoring-1.0-py3-none-any.whl", sha256: "0".repeat(64) };
    expect(releaseDigest(await filesOf(repository.folder), [wheel])).toBe(shell.trim());
  });

  it("does not depend on the checkout's line ends", async () => {
    const origin = newRepository({ "a.py": "x\ny\n" });
    const windows = clone(origin, "-c", "core.autocrlf=true");
    expect(windows.git("ls-files", "--eol")).toContain("w/crlf");
    expect(releaseDigest(await filesOf(windows.folder), [])).toBe(releaseDigest(await filesOf(origin.folder), []));
  });

  const files = fc.uniqueArray(
    fc.record({
      path: fc.string({ minLength: 1 }).filter((path) => !/[\r\n]/.test(path)),
      mode: fc.constantFrom("100644", "100755"),
      content: fc.uint8Array(),
    }),
    { selector: ({ path }) => path },
  );
  const artifacts = fc.uniqueArray(
    fc.record({ name: fc.stringMatching(/^[a-z]+\.whl$/), sha256: fc.stringMatching(/^[0-9a-f]{64}$/) }),
    { selector: ({ name }) => name },
  );

  it("does not depend on the order of files and artifacts", () => {
    fc.assert(
      fc.property(files, artifacts, fc.integer(), (some: ReleaseFile[], more: Artifact[], turn) => {
        const rotate = <T>(items: readonly T[]): T[] => {
          const at = items.length === 0 ? 0 : Math.abs(turn) % items.length;
          return [...items.slice(at), ...items.slice(0, at)].reverse();
        };
        expect(releaseDigest(rotate(some), rotate(more))).toBe(releaseDigest(some, more));
      }),
    );
  });

  it("changes with every byte, path, mode, file and artifact", () => {
    const base = [file("a", "1"), file("b", "2")];
    const wheel = { name: "w.whl", sha256: hex("w") };
    const digests = [
      releaseDigest(base, []),
      releaseDigest([file("a", "1"), file("b", "3")], []),
      releaseDigest([file("a", "1"), file("c", "2")], []),
      releaseDigest([file("a", "2"), file("b", "1")], []),
      releaseDigest([file("a", "1", "100755"), file("b", "2")], []),
      releaseDigest([file("a", "1")], []),
      releaseDigest(base, [wheel]),
      releaseDigest(base, [{ ...wheel, sha256: hex("v") }]),
      releaseDigest(base, [{ ...wheel, name: "v.whl" }]),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests.every((digest) => /^[0-9a-f]{64}$/.test(digest))).toBe(true);
  });

  it("cannot be forged by a file name with lines in it", () => {
    expect(() => releaseDigest([file(`a ${hex("1")}\n100644 b`, "2")], [])).toThrow(RangeError);
    expect(() => releaseDigest([], [{ name: "a\n", sha256: hex("1") }])).toThrow(RangeError);
  });
});

describe("what cannot be deployed", () => {
  it.each([
    ["a submodule", file("vendor/x", "0".repeat(40), "160000"), "release/submodule"],
    ["a symbolic link", file("link", "a", "120000"), "release/symbolic-link"],
    [
      "an LFS pointer",
      file("model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:x\n"),
      "release/lfs-pointer",
    ],
    ["a name with a line end", file("a\nb"), "release/path"],
  ])("%s is a finding", (_name, bad, id) => {
    expect(checkFiles([file("good"), bad]).map((finding) => [finding.id, finding.where])).toEqual([
      [id, { kind: "file", file: bad.path }],
    ]);
  });

  it("is not a text that only speaks of LFS", () => {
    expect(checkFiles([file("README.md", "see version https://git-lfs.github.com/spec/v1")])).toEqual([]);
  });
});
