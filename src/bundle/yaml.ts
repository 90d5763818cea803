/**
 * YAML text to a tree with positions. Scalars are read as the Databricks CLI reads them (Go's yaml.v3: `yes` is a
 * string, `014` is fourteen, `0x1F` is thirty-one); a date stays text. Anchors, aliases and merge keys are resolved.
 */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  type Node as YamlNode,
} from "yaml";
import type { Finding } from "../findings.ts";
import { type Entry, type FileWhere, list, mapping, type Node, type ScalarValue, scalar } from "./tree.ts";

/** Aliases of aliases grow exponentially; no bundle that people write comes near this many values. */
const MAX_NODES = 200_000;

class YamlProblem extends Error {
  readonly where: FileWhere;
  readonly remedy: string;
  constructor(where: FileWhere, message: string, remedy: string) {
    super(message);
    this.where = where;
    this.remedy = remedy;
  }
}

/** Parses one YAML (or JSON) file. `node` is undefined for an empty file or one that cannot be read. */
export function parseYaml(text: string, file: string): { node: Node | undefined; findings: readonly Finding[] } {
  const lines = new LineCounter();
  // failsafe: every plain scalar stays text, and is resolved below as the CLI does.
  const document = parseDocument(text, { lineCounter: lines, schema: "failsafe", merge: false, prettyErrors: false });
  if (document.errors.length > 0) {
    const findings = document.errors.slice(0, 5).map((error): Finding => {
      const at = lines.linePos(error.pos[0]);
      return {
        id: "bundle/yaml",
        severity: "error",
        where: { kind: "file", file, line: Math.max(at.line, 1), column: Math.max(at.col, 1) },
        message: `This is not valid YAML: ${error.message}`,
        remedy: "Correct the YAML at this place.",
      };
    });
    return { node: undefined, findings };
  }
  if (document.contents === null) return { node: undefined, findings: [] };
  try {
    return { node: new Reader(file, lines, document).read(document.contents), findings: [] };
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error;
    const { where, message, remedy } = error;
    return { node: undefined, findings: [{ id: "bundle/yaml", severity: "error", where, message, remedy }] };
  }
}

class Reader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #document: Parameters<Alias["resolve"]>[0];
  readonly #done = new Map<YamlNode, { node: Node; size: number }>();
  readonly #open = new Set<YamlNode>();

  constructor(file: string, lines: LineCounter, document: Parameters<Alias["resolve"]>[0]) {
    this.#file = file;
    this.#lines = lines;
    this.#document = document;
  }

  read(yaml: YamlNode): Node {
    return this.#sized(yaml).node;
  }

  #where(yaml: YamlNode | undefined | null): FileWhere {
    const { line, col } = this.#lines.linePos(yaml?.range?.[0] ?? 0);
    return { kind: "file", file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** Each YAML node becomes one tree node, shared by its aliases; `size` is what it is when written out. */
  #sized(yaml: YamlNode): { node: Node; size: number } {
    const known = this.#done.get(yaml);
    if (known !== undefined) return known;
    if (this.#open.has(yaml)) {
      throw new YamlProblem(this.#where(yaml), "An anchor contains itself.", "Remove the alias that leads back to it.");
    }
    this.#open.add(yaml);
    const result = this.#convert(yaml);
    this.#open.delete(yaml);
    if (result.size > MAX_NODES) {
      const message = `Its aliases expand to more than ${MAX_NODES} values.`;
      throw new YamlProblem(this.#where(yaml), message, "Use fewer aliases of aliases.");
    }
    this.#done.set(yaml, result);
    return result;
  }

  #convert(yaml: YamlNode): { node: Node; size: number } {
    if (isAlias(yaml)) {
      const target = yaml.resolve(this.#document);
      if (target === undefined) {
        const message = `The anchor &${yaml.source} does not exist.`;
        throw new YamlProblem(this.#where(yaml), message, "Define the anchor above its first use.");
      }
      return this.#sized(target);
    }
    const where = this.#where(yaml);
    if (isScalar(yaml)) {
      const plain = yaml.type === "PLAIN" || yaml.type === undefined;
      const value = resolveTag(yaml.tag, plain, textOf(yaml), where);
      return { node: { ...scalar(value, where), anchored: yaml.anchor !== undefined }, size: 1 };
    }
    if (isSeq<YamlNode | null>(yaml)) {
      const items = yaml.items.map((item) =>
        item === null ? { node: scalar(null, where), size: 1 } : this.#sized(item),
      );
      const anchored = yaml.anchor !== undefined || (items.length > 0 && items.every(({ node }) => node.anchored));
      const node: Node = {
        ...list(
          items.map((item) => item.node),
          where,
        ),
        anchored,
      };
      return { node, size: items.reduce((sum, item) => sum + item.size, 1) };
    }
    if (isMap<YamlNode, YamlNode | null>(yaml)) return this.#convertMap(yaml.items, yaml, where);
    throw new YamlProblem(where, "This kind of YAML value is not supported.", "Write a map, a list or a scalar.");
  }

  #convertMap(
    pairs: readonly { key: YamlNode; value: YamlNode | null }[],
    yaml: YamlNode & { anchor?: string },
    where: FileWhere,
  ): { node: Node; size: number } {
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    let size = 1;
    for (const { key, value } of pairs) {
      const at = this.#where(key);
      if (!isScalar(key)) throw new YamlProblem(at, "A key must be a scalar.", "Write the key as a plain name.");
      const name = textOf(key);
      if (name === "<<" && key.type === "PLAIN") {
        for (const [from, entry] of this.#mergeSources(value, at)) merged.set(from, entry);
        continue;
      }
      const converted = value === null ? { node: scalar(null, at), size: 1 } : this.#sized(value);
      size += converted.size;
      own.set(name, { key: at, value: converted.node });
    }
    size += merged.size;
    const entries = new Map([...merged, ...own]);
    const anchored =
      yaml.anchor !== undefined || (entries.size > 0 && [...entries.values()].every(({ value }) => value.anchored));
    return { node: { ...mapping(entries, where), anchored }, size };
  }

  /** What `<<` brings in. As in the CLI, of several maps the later one wins. */
  #mergeSources(value: YamlNode | null, at: FileWhere): (readonly [string, Entry])[] {
    const sources = isSeq<YamlNode>(value) ? value.items : [value];
    return sources.flatMap((source) => {
      const node = source === null ? undefined : this.read(source);
      if (node?.kind !== "map") {
        throw new YamlProblem(
          at,
          "`<<` merges something that is not a map.",
          "Merge an alias of a map, or a list of such.",
        );
      }
      return [...node.entries];
    });
  }
}

/** The text of a scalar, unquoted and unescaped. */
function textOf(yaml: Scalar): string {
  return yaml.source ?? (typeof yaml.value === "string" ? yaml.value : "");
}

const STRING_TAGS = ["tag:yaml.org,2002:str", "!!str", "!"];

function resolveTag(tag: string | undefined, plain: boolean, text: string, where: FileWhere): ScalarValue {
  if (tag === undefined) return plain ? resolvePlain(text, where) : text;
  if (STRING_TAGS.includes(tag)) return text;
  if (/^(tag:yaml\.org,2002:|!!)(int|float|bool|null)$/.test(tag)) return resolvePlain(text, where);
  throw new YamlProblem(where, `The tag ${tag} has no meaning here.`, "Remove the tag, or quote the value.");
}

function resolvePlain(text: string, where: FileWhere): ScalarValue {
  if (["", "~", "null", "Null", "NULL"].includes(text)) return null;
  if (["true", "True", "TRUE"].includes(text)) return true;
  if (["false", "False", "FALSE"].includes(text)) return false;
  if (/^[-+]?\d[\d_]*$/.test(text)) return integer(text.replaceAll("_", ""));
  const based = /^([-+]?)(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+)$/.exec(text);
  if (based !== null) {
    const magnitude = BigInt((based[2] ?? "").toLowerCase().replaceAll("_", ""));
    return narrow(based[1] === "-" ? -magnitude : magnitude);
  }
  if (/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (/^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/.test(text)) {
    throw new YamlProblem(where, `${text} is not a number that JSON can carry.`, "Write a finite number, or quote it.");
  }
  return text;
}

function integer(text: string): number | bigint {
  return narrow(BigInt(text.replace(/^\+/, "")));
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
