/**
 * Markdown for job summaries and comments. Everything that did not come from us goes through `text`, `code` or `link`
 * (design 14: untrusted text is escaped at the point of output).
 */
import { visible } from "./log-line.ts";

/** Plain text inside Markdown: no markup, no HTML, no mention, no link, no line break, nothing that hides or turns text. */
export function text(value: string): string {
  return visible(value.replace(/[\r\n]+/g, " "))
    .replace(/[\\`*_{}[\]()#+!|~<>@:-]|(?<=www)\./gi, (character) => `&#${character.codePointAt(0)};`)
    .replace(/&(?!#\d+;)/g, "&amp;");
}

/** A code span; any number of backticks inside is safe. Pipes are escaped for tables. */
export function code(value: string): string {
  const flat = visible(value.replace(/[\r\n]+/g, " "));
  if (flat === "") return "";
  return `<code>${html(flat).replace(/[|`*_~[\]\\:@]|(?<=www)\./gi, (character) => `&#${character.codePointAt(0)};`)}</code>`;
}

/** Text inside HTML elements and attributes. */
export function html(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

/** A link to an http(s) address; any other scheme is shown as text only. `label` is plain text. */
export function link(label: string, url: string): string {
  return /^https?:\/\/[^\s"'<>]+$/.test(url)
    ? `<a href="${html(url).replaceAll("|", "%7C")}">${text(label)}</a>`
    : text(label);
}

/** A table; cells are Markdown already. An empty list of rows gives an empty string. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(headers), line(headers.map(() => "---")), ...rows.map(line)].join("\n");
}

/** `1 file`, `2 files`: of nouns that take an s. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** A folded section; both parts are Markdown already. */
export function details(title: string, body: string): string {
  return `<details><summary>${title}</summary>\n\n${body}\n\n</details>`;
}

/** Blocks set apart by blank lines; empty ones vanish. */
export function blocks(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}
