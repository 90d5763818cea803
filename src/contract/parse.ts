/** `four-tier.yml` from text to a contract, or to findings at file:line:column. */
import type { Finding } from "../findings.ts";
import type { Contract } from "./model.ts";

export interface ParseOptions {
  /** Host suffixes allowed besides Databricks' own; an `http://` host must be loopback and listed here. */
  readonly allowedHosts: readonly string[];
}

export interface ParsedContract {
  /** Undefined if anything is wrong. */
  readonly contract: Contract | undefined;
  readonly findings: readonly Finding[];
}

/** Parses and checks a contract; never throws for what the text says. `file` is how findings name it. */
export function parseContract(_text: string, _file: string, _options: ParseOptions): ParsedContract {
  throw new Error("not yet");
}
