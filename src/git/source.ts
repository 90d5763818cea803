/** A commit as the source of a bundle: what rendering reads of it is read with one git process. */
import type { BundleSource } from "../bundle/source.ts";
import { decodeText, SUBMODULE, type TrackedFile } from "./objects.ts";

/** What rendering reads of a commit: configuration, and code that may be a notebook. */
const CONFIGURATION = /\.(?:ya?ml|json)$/;
const CODE = /\.(?:py|sql|r|scala|ipynb)$/i;

/** Bytes of either kind that are read with one git process before anybody asks; the rest when asked for. */
const READ_EARLY = { file: 1024 * 1024, all: 16 * 1024 * 1024 };

/** Bytes of a commit that are all read with the first file of it: whoever asks for one asks for others, and a process costs more. */
const READ_ALONG = 256 * 1024;

/** The blobs that are read with any file of a commit: all of a small commit, none of another. */
export function readAlong(files: readonly TrackedFile[]): string[] {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return size > READ_ALONG ? [] : files.filter(({ mode }) => mode !== SUBMODULE).map(({ blob }) => blob);
}

/** Files in their order, without big ones, as long as they fit. */
function upTo(limit: typeof READ_EARLY, files: readonly TrackedFile[]): TrackedFile[] {
  let left = limit.all;
  return files.filter(({ size, mode }) => {
    const fits = mode !== SUBMODULE && size <= limit.file && size <= left;
    if (fits) left -= size;
    return fits;
  });
}

/**
 * The source that these files of one commit are. `readBlobs` gives many contents at once, by object id; `late` gives one,
 * for a file that was not read early.
 */
export async function sourceOf(
  files: readonly TrackedFile[],
  readBlobs: (blobs: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>,
  late: (blob: string) => Uint8Array,
): Promise<BundleSource> {
  const tracked = new Map(files.map((file) => [file.path, file]));
  const configuration = files.filter((file) => CONFIGURATION.test(file.path));
  const code = files.filter((file) => CODE.test(file.path));
  const early = [...upTo(READ_EARLY, configuration), ...upTo(READ_EARLY, code)];
  const contents = await readBlobs([...early.map((file) => file.blob), ...readAlong(files)]);
  const texts = new Map<string, string>();
  for (const file of early) {
    const read = CONFIGURATION.test(file.path) ? decodeText(contents.get(file.blob)) : undefined;
    if (read !== undefined) texts.set(file.path, read);
  }
  return {
    files: texts,
    has: (path) => tracked.has(path),
    list: () => [...tracked.keys()],
    readText: (path) => {
      const known = texts.get(path);
      const file = tracked.get(path);
      if (known !== undefined || file === undefined || file.mode === SUBMODULE) return known;
      const read = decodeText(late(file.blob));
      if (read !== undefined) texts.set(path, read);
      return read;
    },
  };
}
