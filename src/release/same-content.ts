/** What a workspace makes of a file: where it is found again, and whether its content is the same. */
import { isNotebook, notebookName } from "../bundle/paths.ts";
import { isArray, isObject, type JsonValue, parseJson } from "../json.ts";
import { sha256 } from "../sha256.ts";

/** One file of a component's folder; the path is relative to the folder. */
export interface ContentFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Where a file is found again: a notebook loses its extension in the workspace (facts: databricks-api 6). */
export function remotePath(file: ContentFile): string {
  return asNotebook(file) ? notebookName(file.path) : file.path;
}

function asNotebook(file: ContentFile): boolean {
  return isNotebook(file.path, new TextDecoder().decode(file.bytes.subarray(0, 200)));
}

/**
 * Files are compared byte by byte. A notebook is stored parsed and exported again: line ends and the blank at the end
 * are the service's, the rest must be equal; of a Jupyter notebook the cells are compared.
 */
export function sameContent(file: ContentFile, live: Uint8Array): boolean {
  if (sha256(file.bytes) === sha256(live)) return true;
  if (!asNotebook(file)) return false;
  const [wanted, found] = [file.bytes, live].map((bytes) => new TextDecoder().decode(bytes));
  if (wanted === undefined || found === undefined) return false;
  if (!file.path.endsWith(".ipynb")) return normal(wanted) === normal(found);
  const cells = cellsOf(wanted);
  return cells !== undefined && cells === cellsOf(found);
}

function normal(text: string): string {
  return text.replaceAll("\r\n", "\n").trimEnd();
}

/** The code and text of a Jupyter notebook's cells; undefined if it is not one. */
function cellsOf(text: string): string | undefined {
  try {
    const notebook = parseJson(text);
    const cells = isObject(notebook) ? notebook["cells"] : undefined;
    if (!isArray(cells)) return undefined;
    return JSON.stringify(cells.map((cell) => (isObject(cell) ? [cell["cell_type"], joined(cell["source"])] : [])));
  } catch {
    return undefined;
  }
}

function joined(source: JsonValue | undefined): string {
  if (isArray(source)) return source.map((line) => (typeof line === "string" ? line : "")).join("");
  return typeof source === "string" ? source : "";
}
