/**
 * The bill of materials (CycloneDX), made by npm from the lock file, cut down to the production dependencies, and the same
 * on every run. npm's own `--omit=dev` is no help: it also leaves out a dependency that some development tool names as its
 * peer (npm 11.19: yaml, picomatch, valibot).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import type { Package } from "./contents.ts";

/** What the bill of materials is about. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** What package-lock.json says is installed for production, `name@version`. */
  readonly production: ReadonlySet<string>;
  /** The time of the sources' commit, in place of the time of the build. */
  readonly committed: string;
}

/** Throws if npm cannot make it, or if something bundled is not in it. */
export function billOfMaterials(root: string, subject: Subject, bundled: readonly Package[]): string {
  const { status, stdout, stderr } = spawnSync(
    "npm",
    ["sbom", "--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"],
    { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`npm sbom failed: ${stderr.trim()}`);
  return stable(JSON.parse(stdout), subject, bundled);
}

/** The packages of a lock file that are there for production and for nothing else. */
export function productionOf(lock: unknown): Set<string> {
  const packages = Object.entries(record(record(lock)["packages"])).filter(([path, value]) => {
    const { dev, devOptional, optional, peer } = record(value);
    return path !== "" && [dev, devOptional, optional, peer].every((flag) => flag !== true);
  });
  const name = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  return new Set(packages.map(([path, value]) => `${name(path)}@${String(record(value)["version"])}`));
}

/**
 * Keeps what is there for production. npm puts in a random serial number, the time, and the folder's name;
 * here they follow from the contents.
 */
export function stable(printed: unknown, subject: Subject, bundled: readonly Package[]): string {
  const bill = record(printed);
  const metadata = record(bill["metadata"]);
  const main = record(metadata["component"]);
  const edges = new Map(list(bill["dependencies"]).map((edge) => [String(edge["ref"]), strings(edge["dependsOn"])]));
  const components = new Map(list(bill["components"]).map((part) => [String(part["bom-ref"]), part]));

  const inside = new Set(bundled.map(({ name, version }) => `${name}@${version}`));
  const kept = new Set<string>();
  bill["components"] = [...components].flatMap(([ref, part]) => {
    const id = `${String(part["name"])}@${String(part["version"])}`;
    if (!subject.production.has(id)) return [];
    kept.add(ref).add(id);
    return [{ ...part, properties: [{ name: "four-tier:bundled", value: String(inside.has(id)) }] }];
  });
  const missing = [...inside].filter((id) => !kept.has(id));
  if (missing.length > 0) throw new Error(`bundled, but not among the production dependencies: ${missing.join(", ")}`);

  const whole = new Set([...kept, String(main["bom-ref"])]);
  bill["dependencies"] = [...edges]
    .filter(([ref]) => whole.has(ref))
    .map(([ref, to]) => ({ ref, dependsOn: to.filter((next) => kept.has(next)) }));
  main["name"] = subject.name;
  metadata["timestamp"] = subject.committed;
  delete bill["serialNumber"];
  const digest = createHash("sha256").update(JSON.stringify(bill)).digest("hex");
  bill["serialNumber"] = `urn:uuid:${uuid(digest)}`;
  return `${JSON.stringify(bill, null, 2)}\n`;
}

/** A version 8 UUID (made from contents) of 64 hex digits. */
function uuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null)
    throw new Error("npm sbom printed something that is no CycloneDX document");
  return value as Record<string, unknown>;
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
