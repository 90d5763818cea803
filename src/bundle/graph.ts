/** Checks over all resources of a rendered bundle. */
import type { RenderedResource } from "./model.ts";
import type { Problems } from "./problems.ts";

/** Two resources of one kind and name could not be told apart when a create is looked up again. */
export function checkNames(rendered: ReadonlyMap<string, RenderedResource>, problems: Problems): void {
  const seen = new Map<string, string>();
  for (const resource of rendered.values()) {
    const { key, kind, name } = resource;
    const id = JSON.stringify([kind, name]);
    const first = seen.get(id);
    if (first !== undefined && name !== "") {
      problems.error(
        "name-twice",
        resource.at(["name"]),
        `${key} has the name of ${first}, "${name}".`,
        "Give each its own name.",
      );
    }
    seen.set(id, key);
  }
}

/** Resources that need each other's ids: none could be created first. */
export function checkCircles(rendered: ReadonlyMap<string, RenderedResource>, problems: Problems): void {
  const done = new Set<string>();
  const visit = (key: string, open: readonly string[]): void => {
    const resource = rendered.get(key);
    if (resource === undefined || done.has(key)) return;
    if (open.includes(key)) {
      const circle = [...open.slice(open.indexOf(key)), key].join(" → ");
      const remedy = "Break the circle: let one job start the others.";
      problems.error("circular", resource.where, `These resources need each other's ids: ${circle}.`, remedy);
      return;
    }
    for (const other of resource.references) visit(other, [...open, key]);
    done.add(key);
  };
  for (const key of [...rendered.keys()].sort()) visit(key, []);
}
