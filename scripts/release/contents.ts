/** What is inside a bundle, and under which licences: from the bundler's own list of modules, not from what is installed. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package that is inside the bundle. */
export interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** LICENSE and NOTICE files, one after the other. */
  readonly text: string;
}

/** Licences that let us ship the code inside ours. Another one needs a decision by a person. */
const ALLOWED = new Set(["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD"]);

/** The packages whose modules are in the bundle. Throws if one has no licence text or a licence that is not allowed. */
export function bundledPackages(stats: unknown, root: string): Package[] {
  const folders = new Set<string>();
  collect(get(stats, "modules"), folders);
  if (folders.size === 0) throw new Error("the bundler's list names no package: has its form changed?");
  return [...folders].map((folder) => describePackage(join(root, folder))).sort(byName);
}

function byName(a: Package, b: Package): number {
  return a.name === b.name ? (a.version < b.version ? -1 : 1) : a.name < b.name ? -1 : 1;
}

/** Modules hold modules (what was concatenated); the folder of a package is the part up to its name. */
function collect(modules: unknown, folders: Set<string>): void {
  if (!Array.isArray(modules)) return;
  for (const module of modules as unknown[]) {
    const path = get(module, "nameForCondition");
    const folder =
      typeof path === "string" ? /(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(path) : null;
    if (folder?.[1] !== undefined) folders.add(folder[1]);
    collect(get(module, "modules"), folders);
  }
}

function describePackage(folder: string): Package {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const field = (name: string): string => {
    const value = get(manifest, name);
    if (typeof value !== "string") throw new Error(`${folder}/package.json has no ${name}`);
    return value;
  };
  const [name, version, license] = [field("name"), field("version"), field("license")];
  if (!ALLOWED.has(license)) throw new Error(`${name}@${version} has the licence ${license}, which nobody has allowed`);
  const files = existsSync(folder)
    ? readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    : [];
  if (files.length === 0) throw new Error(`${name}@${version} has no licence text to ship`);
  const text = files.sort().map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  return { name, version, license, text: text.join("\n\n") };
}

/** `dist/licenses.txt`: every bundled package, its licence's name and text. */
export function licenceFile(packages: readonly Package[]): string {
  const line = "-".repeat(80);
  const head = "dist/ contains code of these packages, under their licences.\n";
  return [head, ...packages.map((p) => `${line}\n${p.name} ${p.version} (${p.license})\n\n${p.text}\n`)].join("\n");
}

/** A field of what was parsed from JSON; undefined for what is no object or lacks it. */
export function get(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (Reflect.get(value, key) as unknown) : undefined;
}
