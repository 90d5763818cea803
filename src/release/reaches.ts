/** A resource finds only its own component's folder at run time: what it names there must be in it. */
import { posix } from "node:path";
import picomatch from "picomatch";
import type { RenderedBundle, RenderedResource, SettingsPath } from "../bundle/model.ts";
import type { Finding } from "../findings.ts";
import { isArray, isObject, type JsonValue } from "../json.ts";
import type { Component } from "./components.ts";

/** Findings for paths into the release that only another component carries, at the place that names them. */
export function checkReach(
  components: readonly Component[],
  rendered: Pick<RenderedBundle, "includes" | "resources">,
): Finding[] {
  const root = posix.dirname(rendered.includes[0] ?? "databricks.yml");
  return [...rendered.resources.values()].flatMap((resource) => {
    const own = components.find((component) => component.resources.includes(resource.key));
    if (own === undefined) return [];
    return pathsIn(resource.settings, []).flatMap(({ path, at }) => {
      const wanted = posix.join(root, path);
      if (holds(own, wanted)) return [];
      const other = components.find((component) => holds(component, wanted));
      return other === undefined ? [] : [elsewhere(resource, at, wanted, own.name, other.name)];
    });
  });
}

/** Every `${release}/…` of a settings document, without the symbol. */
function pathsIn(value: JsonValue, at: SettingsPath): { path: string; at: SettingsPath }[] {
  if (typeof value === "string") {
    return [...value.matchAll(/\$\{release\}\/([^\s"']+)/g)].map((match) => ({ path: match[1] ?? "", at }));
  }
  if (isArray(value)) return value.flatMap((item, index) => pathsIn(item, [...at, index]));
  if (isObject(value)) return Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...at, key]));
  return [];
}

/** A file, a notebook without its extension, a folder, or a glob. */
function holds(component: Component, wanted: string): boolean {
  const glob = /[*?[{]/.test(wanted) ? picomatch(wanted, { dot: true }) : undefined;
  return component.files.some(
    ({ path }) =>
      path === wanted ||
      path.startsWith(`${wanted}/`) ||
      path.slice(0, path.length - posix.extname(path).length) === wanted ||
      glob?.(path) === true,
  );
}

function elsewhere(resource: RenderedResource, at: SettingsPath, wanted: string, own: string, other: string): Finding {
  return {
    id: "contract/file-of-another-component",
    severity: "error",
    where: resource.at(at),
    message: `${resource.key} is of the component ${own} and names ${wanted}, which only the component ${other} carries.`,
    why: "Each component has a folder of its own, so the file would be missing at run time.",
    remedy: `Move the resource to ${other} in the contract, or let no component claim the file: then each carries it.`,
  };
}
