/**
 * The release digest: what is deployed, as 64 hex, the same on every machine and in every tier. Anybody can compute it:
 *
 *     one line a tracked file        <git mode> <path> <SHA-256 of the blob>
 *     one line a carried artifact    artifact <name> <SHA-256 of its bytes>
 *
 * in UTF-8, each line ended by LF, sorted bytewise (`LC_ALL=C sort`), hashed with SHA-256. Files are those of the commit
 * under the bundle's folder, and the contract; contents are git blobs, so the checkout and its line ends do not matter.
 * A symbolic link's content is its target; a submodule's is the id of its commit.
 */
import type { Finding } from "../findings.ts";
import { sha256 } from "../sha256.ts";

/** A tracked file of the release: git mode, posix path from the repository root, content. */
export interface ReleaseFile {
  readonly path: string;
  readonly mode: string;
  readonly content: Uint8Array;
}

/** Something carried besides the tracked files: a wheel, by name and SHA-256 (64 hex). */
export interface Artifact {
  readonly name: string;
  readonly sha256: string;
}

/** SHA-256 over the release's files and artifacts, whatever their order; 64 hex. Throws for a name with a line end in it. */
export function releaseDigest(files: readonly ReleaseFile[], artifacts: readonly Artifact[]): string {
  const lines = [
    ...files.map((file) => line(file.mode, file.path, sha256(file.content))),
    ...artifacts.map((artifact) => line("artifact", artifact.name, artifact.sha256)),
  ];
  // bytes, not UTF-16 code units, which order some letters otherwise
  return sha256(Buffer.concat(lines.map((text) => Buffer.from(text)).sort((a, b) => a.compare(b))));
}

function line(kind: string, name: string, digest: string): string {
  if (/[\r\n]/.test(name)) throw new RangeError("a name in a release has a line end in it");
  return `${kind} ${name} ${digest}\n`;
}

const LFS_HEADER = "version https://git-lfs.github.com/spec/";

/**
 * Findings for what cannot be deployed as it stands in git: submodules, symbolic links, Git LFS pointers, and names that
 * a workspace does not take. Ask for the files that are deployed; what only stands in the repository may be anything.
 */
export function checkFiles(files: readonly ReleaseFile[]): Finding[] {
  return files.flatMap((file): Finding[] => {
    const refuse = (id: string, message: string, remedy: string): Finding[] => [
      { id: `release/${id}`, severity: "error", where: { kind: "file", file: file.path }, message, remedy },
    ];
    const leave = "or leave it out with `sync.exclude` in databricks.yml.";
    if (/\p{Cc}/u.test(file.path)) {
      return refuse(
        "path",
        `The name ${JSON.stringify(file.path)} has control characters.`,
        `Rename the file, ${leave}`,
      );
    }
    if (file.mode === "160000") {
      return refuse(
        "submodule",
        `${file.path} is a submodule: its files are not in this commit.`,
        `Copy them in, ${leave}`,
      );
    }
    if (file.mode === "120000") {
      return refuse(
        "symbolic-link",
        `${file.path} is a symbolic link, which a workspace does not have.`,
        `Commit the file itself, ${leave}`,
      );
    }
    if (Buffer.from(file.content.subarray(0, LFS_HEADER.length)).toString("latin1") === LFS_HEADER) {
      return refuse(
        "lfs-pointer",
        `${file.path} is a Git LFS pointer: the file itself is not in this commit.`,
        `Commit the file itself or keep it in a volume, ${leave}`,
      );
    }
    return [];
  });
}
