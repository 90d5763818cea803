/** A bundle whose files are held in memory. */
import type { BundleSource } from "../../src/bundle/source.ts";

export function memorySource(files: Readonly<Record<string, string>> | ReadonlyMap<string, string>): BundleSource {
  const texts = new Map(isMap(files) ? files : Object.entries(files));
  return {
    files: texts,
    readText: (path) => texts.get(path),
    has: (path) => texts.has(path),
    list: () => [...texts.keys()].sort(),
  };
}

function isMap(files: object): files is ReadonlyMap<string, string> {
  return files instanceof Map;
}
