import { posix } from "node:path";
import type { House } from "./house.ts";
import { targetsOf } from "./module-graph.ts";

/**
 * The module graph of what is shipped, folder by folder, as sorted lines `from -> to`: a new edge is a line of a diff.
 * Node's own modules are left out.
 */
export function describeModuleGraph(house: House): string {
  const lines = house.sources.flatMap((source) => {
    const from = posix.dirname(source.path);
    return targetsOf(house, source).flatMap(({ target }) => {
      if (!source.isShipped) return [];
      if ("file" in target)
        return posix.dirname(target.file) === from ? [] : [`${from} -> ${posix.dirname(target.file)}`];
      return target.library.startsWith("node:") ? [] : [`${from} -> ${target.library}`];
    });
  });
  return `${[...new Set(lines)].sort().join("\n")}\n`;
}
