import type { House, Violation } from "../house.ts";
import { entryFiles, targetsOf } from "../module-graph.ts";

const namesMax = 25;

/** An entry point exports at most 25 names, each by name. */
export function entryExports(house: House): Violation[] {
  const entries = new Set(house.packages.flatMap(entryFiles));
  return house.sources
    .filter(({ path }) => entries.has(path))
    .flatMap(({ path, exports }) => {
      const names = new Set(exports.map(({ name }) => name));
      const star = names.has("*") ? [{ subject: path, message: "exports *: name what is promised" }] : [];
      const many = { subject: path, message: `exports ${names.size} names, more than ${namesMax}` };
      return names.size > namesMax ? [...star, many] : star;
    });
}

/** Only a package's entry re-exports, and the package's own files never import it. */
export function entriesAreForOthers(house: House): Violation[] {
  return house.sources.flatMap((source) => {
    const entries = entryFiles(source.package);
    const passesOn = source.imports.some((one) => one.isReExport) && source.isShipped && !entries.includes(source.path);
    const ownEntries = entries.filter((file) => file.endsWith("/index.ts"));
    const inward = targetsOf(house, source).filter(
      ({ target }) => source.isShipped && "file" in target && ownEntries.includes(target.file),
    );
    return [
      ...(passesOn ? [{ subject: source.path, message: "re-exports, and is no entry of its package" }] : []),
      ...inward.map(({ import: { specifier } }) => ({
        subject: source.path,
        message: `imports its own package's entry, ${specifier}: import the file that declares it`,
      })),
    ];
  });
}
