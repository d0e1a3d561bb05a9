import { builtinModules } from "node:module";
import { posix } from "node:path";
import type { Package } from "../workspace.ts";
import type { House, SourceFile } from "./house.ts";
import type { Import } from "./module.ts";

/** Where an import leads: to a file of the house, or to a library or built-in module by its name. */
export type Target = { file: string; package: Package } | { library: string };

/** Resolves the imports of `source`. A name of the house that leads nowhere is left to the type checker. */
export function targetsOf(house: House, source: SourceFile): { import: Import; target: Target }[] {
  return source.imports.flatMap((one) => {
    const target = resolveImport(house, source, one.specifier);
    return target === undefined ? [] : [{ import: one, target }];
  });
}

/** The file that a package's subpath leads to, from the package's `exports`. */
export function entryFiles({ folder, manifest }: Package): string[] {
  return Object.values(manifest.exports ?? {}).map((file) => posix.join(folder, file));
}

function resolveImport(house: House, source: SourceFile, specifier: string): Target | undefined {
  if (specifier.startsWith(".")) {
    const file = posix.join(posix.dirname(source.path), specifier);
    const owner = house.packages.find(({ folder }) => file.startsWith(`${folder}/`));
    return owner === undefined ? undefined : { file, package: owner };
  }
  const owner = house.packages.find(({ manifest: { name } }) => specifier === name || specifier.startsWith(`${name}/`));
  if (owner !== undefined) {
    const subpath = `.${specifier.slice(owner.manifest.name.length)}`;
    const file = owner.manifest.exports?.[subpath];
    return file === undefined ? undefined : { file: posix.join(owner.folder, file), package: owner };
  }
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return { library: specifier };
  return { library: specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/") };
}
