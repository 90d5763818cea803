/** Findings of a bundle. */
import { nearestName } from "../contract/nearest.ts";
import type { Finding, Severity, Where } from "../findings.ts";

/** The findings of one rendering, collected; each is reported once. */
export class Problems {
  readonly #found = new Map<string, Finding>();

  add(finding: Finding): void {
    const key = JSON.stringify([finding.id, finding.where, finding.message]);
    if (!this.#found.has(key)) this.#found.set(key, finding);
  }

  addAll(findings: readonly Finding[]): void {
    for (const finding of findings) this.add(finding);
  }

  error(id: string, where: Where, message: string, remedy: string, why?: string): void {
    this.#at("error", id, where, message, remedy, why);
  }

  warning(id: string, where: Where, message: string, remedy: string, why?: string): void {
    this.#at("warning", id, where, message, remedy, why);
  }

  notice(id: string, where: Where, message: string, remedy: string, why?: string): void {
    this.#at("notice", id, where, message, remedy, why);
  }

  #at(severity: Severity, id: string, where: Where, message: string, remedy: string, why?: string): void {
    this.add({ id: `bundle/${id}`, severity, where, message, ...(why === undefined ? {} : { why }), remedy });
  }

  /** In the order of files, lines, columns. */
  list(): readonly Finding[] {
    return [...this.#found.values()].sort((a, b) => compare(place(a.where), place(b.where)));
  }

  get failed(): boolean {
    return [...this.#found.values()].some(({ severity }) => severity === "error" || severity === "unknown");
  }
}

function place(where: Where | undefined): readonly [string, number, number] {
  return where?.kind === "file" ? [where.file, where.line ?? 0, where.column ?? 0] : ["", 0, 0];
}

function compare(a: readonly [string, number, number], b: readonly [string, number, number]): number {
  return a[0] === b[0] ? a[1] - b[1] || a[2] - b[2] : a[0] < b[0] ? -1 : 1;
}

/** ` Did you mean x?`, or nothing. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearestName(name, [...known]);
  return near === undefined ? "" : ` Did you mean \`${near}\`?`;
}
