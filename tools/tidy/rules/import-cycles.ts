import type { House, Violation } from "../house.ts";
import { targetsOf } from "../module-graph.ts";

/** No file imports itself by way of others; imports of types count too. */
export function importCycles(house: House): Violation[] {
  const edges = new Map(
    house.sources.map((source) => {
      const targets = targetsOf(house, source).flatMap(({ target }) => ("file" in target ? [target.file] : []));
      return [source.path, [...new Set(targets)].sort()] as const;
    }),
  );
  const finished = new Set<string>();
  const violations: Violation[] = [];
  const visit = (path: string, trail: string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      violations.push({ subject: path, message: `import cycle: ${[...trail.slice(start), path].join(" -> ")}` });
      return;
    }
    if (finished.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return violations;
}
