/** Which entries of a serverless environment's dependencies are local paths, and which are packages. */

const SCHEME = /^[a-z][a-z\d+.-]*:\//i;
const BUILT = /\.(whl|tar\.gz|zip|jar|egg|txt)$/;

/** `./dist/x.whl`, `../lib`, `dist/*.whl`; not `numpy`, `numpy==1.2`, `/Volumes/…`, `pkg @ https://…`, `--index-url …`. */
export function isEnvironmentPath(value: string): boolean {
  if (value.startsWith(".") || value.startsWith("${release}/")) return true;
  if (value.startsWith("-") || value.startsWith("/") || value.startsWith("${")) return false;
  if (SCHEME.test(value) || /\s@\s/.test(value)) return false;
  return value.includes("/") || BUILT.test(value);
}

/** `-r requirements.txt` and `-e ./lib` (and their long forms): the flag and its path; undefined for everything else. */
export function splitPipFlag(
  value: string,
): { flag: string; path: string; quote: string; folder: boolean } | undefined {
  const match = /^(-r|-e|--requirement|--editable|-c|--constraint)(?:\s+|=)(["']?)(\S.*?)\2$/.exec(value.trim());
  const [, flag = "", quote = "", path = ""] = match ?? [];
  if (match === null || path.startsWith("/") || SCHEME.test(path)) return undefined;
  return { flag, path, quote, folder: flag === "-e" || flag === "--editable" };
}
