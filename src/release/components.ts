/**
 * Named parts of a release: which files and which resources belong together, each with a digest of its own. A resource
 * points at its component's folder, so that it moves only when its component's content does.
 */
import { posix } from "node:path";
import picomatch from "picomatch";
import type { RenderedBundle } from "../bundle/model.ts";
import type { Contract, ResourceKey } from "../contract/model.ts";
import { nearestName } from "../contract/nearest.ts";
import type { Finding } from "../findings.ts";
import { type Artifact, checkFiles, type ReleaseFile, releaseDigest } from "./digest.ts";
import { checkReach } from "./reaches.ts";

/** Without `components` in the contract, and for resources that none claims. */
const DEFAULT_COMPONENT = "default";

/** A part of a release that moves by itself: its digest names its folder. */
export interface Component {
  readonly name: string;
  /** 64 hex, as the release's: over the files and artifacts it carries. */
  readonly digest: string;
  /** Everything its folder holds: own files and shared ones, sorted by path. */
  readonly files: readonly ReleaseFile[];
  /** The artifacts its folder holds. */
  readonly artifacts: readonly Artifact[];
  readonly resources: readonly ResourceKey[];
}

/** Which component a resource belongs to. Works from keys alone, so that rendering can use it. */
export function componentOf(contract: Contract, resource: ResourceKey): string {
  return contract.components.find((component) => component.resources.includes(resource))?.name ?? DEFAULT_COMPONENT;
}

/**
 * Splits a release into components, sorted by name; findings stand in the contract at file:line.
 *
 * Files that no component claims are shared: each component carries them. What is never read in a workspace is carried
 * by none, so that it moves nothing: the contract, `.github/`, git's own files, and the bundle's configuration
 * (`rendered.includes`), which acts through the resources' settings. An artifact is carried only where a resource needs
 * it, and a path into another component's content is a finding.
 */
export function componentsOf(
  contract: Contract,
  files: readonly ReleaseFile[],
  artifacts: readonly Artifact[],
  resources: readonly ResourceKey[],
  rendered: Pick<RenderedBundle, "includes" | "artifacts" | "resources">,
): { components: readonly Component[]; findings: readonly Finding[] } {
  const configuration = new Set([contract.file, ...rendered.includes]);
  const content = files.filter((file) => !configuration.has(file.path) && !isRepositoryFile(file.path));
  const claims = claimFiles(contract, content);
  const findings = [...checkFiles(content), ...claims.findings, ...checkResources(contract, resources)];
  const names = [...contract.components.map((component) => component.name), DEFAULT_COMPONENT];
  const components = names.sort().flatMap((name): Component[] => {
    const own = resources.filter((resource) => componentOf(contract, resource) === name).sort();
    // an empty default would only repeat what the others share
    if (name === DEFAULT_COMPONENT && own.length === 0 && contract.components.length > 0) return [];
    const carried = content.filter((file) => (claims.owner.get(file.path) ?? name) === name).sort(byPath);
    const needed = artifacts.filter((artifact) => isNeeded(artifact, own, rendered.artifacts));
    return [{ name, digest: digestOf(carried, needed), files: carried, artifacts: needed, resources: own }];
  });
  findings.push(...checkReach(components, rendered));
  return { components, findings };
}

/** A name with a line end is a finding already; it must not throw here as well. */
function digestOf(files: readonly ReleaseFile[], artifacts: readonly Artifact[]): string {
  return releaseDigest(
    files.filter((file) => !/[\r\n]/.test(file.path)),
    artifacts,
  );
}

/** What belongs to the repository's own life and not to what runs. */
function isRepositoryFile(path: string): boolean {
  return path.startsWith(".github/") || [".gitignore", ".gitattributes", ".gitmodules"].includes(posix.basename(path));
}

/**
 * Which components carry a file by its path: the one that claims it, else all of `names`; none if it is never read in a
 * workspace. `configuration` is the bundle's own files.
 */
export function carriersOf(
  contract: Contract,
  configuration: readonly string[],
  names: readonly string[],
): (path: string) => readonly string[] {
  const claims = contract.components.map(({ name, files }) => ({ name, matchers: files.map(matcher) }));
  return (path) => {
    if (path === contract.file || configuration.includes(path) || isRepositoryFile(path)) return [];
    const owner = claims.find(({ matchers }) => matchers.some((matches) => matches(path)));
    return owner === undefined ? names : [owner.name];
  };
}

function claimFiles(
  contract: Contract,
  files: readonly ReleaseFile[],
): { owner: ReadonlyMap<string, string>; findings: Finding[] } {
  const owner = new Map<string, string>();
  const findings: Finding[] = [];
  for (const component of contract.components) {
    for (const [index, pattern] of component.files.entries()) {
      const where = contract.at(["components", component.name, "files", index]);
      const matches = matcher(pattern);
      const matched = files.filter((file) => matches(file.path));
      if (matched.length === 0) {
        findings.push({
          id: "contract/component-matches-nothing",
          severity: "error",
          where,
          message: `${pattern} of the component ${component.name} matches no tracked file that is deployed.`,
          remedy: "Write it from the repository's root, such as src/scoring/**.",
        });
      }
      const taken = matched.find((file) => (owner.get(file.path) ?? component.name) !== component.name);
      if (taken !== undefined) {
        findings.push({
          id: "contract/file-in-two-components",
          severity: "error",
          where,
          message: `${taken.path} is claimed by the components ${owner.get(taken.path) ?? ""} and ${component.name}.`,
          why: "A file moves with one component; what several need is left unclaimed, and each carries it.",
          remedy: "Narrow one of the patterns, or claim the file in neither.",
        });
      }
      for (const file of matched) if (!owner.has(file.path)) owner.set(file.path, component.name);
    }
  }
  return { owner, findings };
}

/** A folder's name stands for all that is in it. */
function matcher(pattern: string): (path: string) => boolean {
  const plain = pattern.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  return picomatch([plain, `${plain}/**`], { dot: true, nonegate: true });
}

function checkResources(contract: Contract, resources: readonly ResourceKey[]): Finding[] {
  const findings: Finding[] = [];
  const owner = new Map<ResourceKey, string>();
  for (const component of contract.components) {
    for (const [index, resource] of component.resources.entries()) {
      const where = contract.at(["components", component.name, "resources", index]);
      const other = owner.get(resource);
      if (other !== undefined) {
        findings.push({
          id: "contract/resource-in-two-components",
          severity: "error",
          where,
          message: `${resource} is claimed ${other === component.name ? "twice" : `by the components ${other} and ${component.name}`}.`,
          remedy: "Keep one of the two.",
        });
      }
      owner.set(resource, component.name);
      if (resources.includes(resource)) continue;
      const nearest = nearestName(resource, resources);
      findings.push({
        id: "contract/unknown-resource",
        severity: "error",
        where,
        message: `The bundle has no resource ${resource}.`,
        remedy: nearest === undefined ? "Remove it, or add the resource to the bundle." : `Did you mean ${nearest}?`,
      });
    }
  }
  return findings;
}

function isNeeded(
  artifact: Artifact,
  resources: readonly ResourceKey[],
  references: RenderedBundle["artifacts"],
): boolean {
  return references.some(
    (reference) =>
      reference.resources.some((resource) => resources.includes(resource)) &&
      picomatch.isMatch(artifact.name, posix.basename(reference.path)),
  );
}

function byPath(a: ReleaseFile, b: ReleaseFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
