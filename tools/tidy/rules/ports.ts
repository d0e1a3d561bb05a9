import type { House, Violation } from "../house.ts";
import { entryFiles, targetsOf } from "../module-graph.ts";

const implementationsMin = 2;

/**
 * A port has at least two implementations that pass one suite. A suite is a function `xConformance` that the conformance
 * package exports; an implementation is a test file elsewhere that runs it.
 */
export function portsHaveTwoImplementations(house: House): Violation[] {
  const conformance = house.packages.find(({ folder }) => folder === "conformance");
  if (conformance === undefined) return [];
  const entries = entryFiles(conformance);
  const suites = house.sources
    .filter(({ path }) => entries.includes(path))
    .flatMap(({ exports }) => exports.map(({ name }) => name).filter((name) => /[a-z]Conformance$/.test(name)));
  return suites.flatMap((suite) => {
    const runs = house.sources.filter(
      (source) =>
        source.package !== conformance &&
        targetsOf(house, source).some(
          ({ import: { names }, target }) => "file" in target && entries.includes(target.file) && names.includes(suite),
        ),
    );
    if (runs.length >= implementationsMin) return [];
    return [{ subject: suite, message: `${runs.length} implementation(s) pass this suite: a port needs two` }];
  });
}
