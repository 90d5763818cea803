/** A YAML file as a plain value that still knows where everything stood. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { type Finding, messageOf, type Where } from "../findings.ts";

/** Keys and list positions (from 0) from the top of the file to a value. */
export type Path = readonly (string | number)[];

/** A read file: its value, and where things stand in it. */
export interface YamlFile {
  readonly value: unknown;
  /** Where a key or an item stands; if it is not written, its nearest parent. */
  keyAt(path: Path): Where;
  /** Where a key's value stands; if it is not written, its nearest parent's key. */
  valueAt(path: Path): Where;
  /** A scalar as the author wrote it: `007`, which is 7 as a value. */
  sourceOf(path: Path): string | undefined;
}

/** An anchor may be used this often in all, counting nested uses: enough for people, too little for an alias bomb. */
const MAX_ALIASES = 100;

/** One slip can make the parser complain at every line after it. */
const MAX_TROUBLES = 10;

/**
 * Reads one YAML 1.2 document with text keys; merge keys (`<<`) and aliases work. Gives findings instead of a file if
 * it is not valid YAML, has a key twice, or is empty. Never throws for what the text says.
 */
export function readYaml(
  text: string,
  file: string,
):
  | { readonly file: YamlFile; readonly findings: readonly [] }
  | { readonly file: undefined; readonly findings: readonly Finding[] } {
  const lines = new LineCounter();
  const at = (offset: number): Where => {
    const { line, col } = lines.linePos(offset);
    return { kind: "file", file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const refuse = (findings: readonly Finding[]) => ({ file: undefined, findings });
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, stringKeys: true });
  } catch (error) {
    return refuse([badYaml(at(0), messageOf(error))]);
  }
  // a warning is a tag nobody knows: its value would be guessed
  const troubles = [...document.errors, ...document.warnings];
  if (troubles.length > 0) {
    return refuse(
      troubles.slice(0, MAX_TROUBLES).map(({ code, pos, message }) => {
        if (code === "DUPLICATE_KEY") return duplicateKey(at(pos[0]), text.slice(pos[0]));
        if (code === "MULTIPLE_DOCS")
          return badYaml(at(pos[0]), "A second document begins here; one file is one document.");
        return badYaml(at(pos[0]), message);
      }),
    );
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return refuse([
      {
        id: "contract/empty",
        severity: "error",
        where: { kind: "file", file, line: 1, column: 1 },
        message: `${file} is empty.`,
        remedy: "Write at least the workspaces of dev, staging and prod under `tiers`.",
      },
    ]);
  }
  const alias = findBadAlias(document);
  if (alias !== undefined) return refuse([badYaml(at(alias.node.range?.[0] ?? 0), alias.message)]);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return refuse([badYaml(at(0), messageOf(error))]);
  }
  return { file: { value, ...positions(document, at) }, findings: [] };
}

function positions(document: Document.Parsed, at: (offset: number) => Where): Omit<YamlFile, "value"> {
  const resolve = (node: unknown): Node | undefined => {
    const target = isAlias(node) ? node.resolve(document) : node;
    return isNode(target) ? target : undefined;
  };
  /** The key node and the value node of one step into a collection, also through merge keys. */
  const step = (parent: Node | undefined, key: string | number): { key: unknown; value: unknown } | undefined => {
    if (isSeq(parent) && typeof key === "number") {
      const item = parent.items[key];
      return item === undefined ? undefined : { key: item, value: item };
    }
    if (!isMap(parent)) return undefined;
    const own = parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
    if (own !== undefined) return { key: own.key, value: own.value };
    for (const pair of parent.items) {
      if (!isPair(pair) || !isScalar(pair.key) || pair.key.source !== "<<") continue;
      const merged = resolve(pair.value);
      for (const source of isSeq(merged) ? merged.items.map(resolve) : [merged]) {
        const found = step(source, key);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };
  const walk = (path: Path): { offset: number; value: Node | undefined; complete: boolean } => {
    let node = resolve(document.contents);
    let offset = node?.range?.[0] ?? 0;
    for (const part of path) {
      const next = step(node, part);
      if (next === undefined) return { offset, value: undefined, complete: false };
      offset = (isNode(next.key) ? next.key.range?.[0] : undefined) ?? offset;
      node = resolve(next.value);
    }
    return { offset, value: node, complete: true };
  };
  return {
    keyAt: (path) => at(walk(path).offset),
    valueAt: (path) => {
      const { offset, value } = walk(path);
      // an empty value has no place of its own: its key is shown
      const empty = value === undefined || (isScalar(value) && value.value === null && !value.source);
      return at(empty ? offset : (value.range?.[0] ?? offset));
    },
    sourceOf: (path) => {
      const { value } = walk(path);
      return isScalar(value) ? value.source : undefined;
    },
  };
}

/** An alias without an anchor before it, or inside its own anchor: yaml would build an endless value from it. */
function findBadAlias(document: Document.Parsed): { node: Alias; message: string } | undefined {
  let found: { node: Alias; message: string } | undefined;
  visit(document, {
    Alias(_key, node, ancestors) {
      const target = node.resolve(document);
      if (target === undefined) found = { node, message: `No anchor &${node.source} stands before this alias.` };
      else if (ancestors.includes(target)) {
        found = { node, message: `The alias *${node.source} stands inside its own anchor.` };
      }
      return found === undefined ? undefined : visit.BREAK;
    },
  });
  return found;
}

function badYaml(where: Where, message: string): Finding {
  return {
    id: "contract/yaml",
    severity: "error",
    where,
    message: `This is not valid YAML: ${message.replace(/\.?$/, ".")}`,
    remedy: "Fix the YAML at this place; blanks (never tabs) set what belongs to what.",
  };
}

/** `rest` is the text from the key on. */
function duplicateKey(where: Where, rest: string): Finding {
  const name = /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,[\]{}]+)/.exec(rest)?.[0].replace(/^(["'])(.*)\1$/, "$2");
  return {
    id: "contract/duplicate-key",
    severity: "error",
    where,
    message: `The key ${name ?? "at this place"} stands in this mapping for the second time.`,
    why: "Only one of the two values would count, and a reader cannot tell which.",
    remedy: "Keep one of them.",
  };
}
