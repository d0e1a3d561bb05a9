import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findPackages, type Package } from "../workspace.ts";
import { type Module, parseModule } from "./module.ts";

/** A text file of the project; `path` is relative to the root, with forward slashes. */
export type TextFile = { path: string; text: string };

/** A TypeScript file of a workspace package. Only what `src/` holds is shipped. */
export type SourceFile = TextFile & Module & { package: Package; isShipped: boolean };

/** The project as the rules see it. */
export type House = { root: string; packages: Package[]; files: TextFile[]; sources: SourceFile[] };

/** One place that breaks a rule. `subject` names it as the allowlist does: a path, or a path and a name. */
export type Violation = { subject: string; message: string };

/** A house rule: finds every place that breaks it. */
export type Rule = (house: House) => Violation[];

const textual = /\.(ts|mjs|json|md|sql)$/;
/** What is made, fetched or hidden; `peers` are other people's programs for comparison, in their own style. */
const skippedFolders = new Set(["node_modules", "dist", "peers", "coverage"]);

/** Reads every text file under `root`. A file that does not parse throws with its name. */
export function readHouse(root: string): House {
  const packages = findPackages(root);
  const files = listFiles(root, "").map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  const sources = files.flatMap((file) => {
    const owner = packages.find(({ folder }) => file.path.startsWith(`${folder}/`));
    if (owner === undefined || !file.path.endsWith(".ts")) return [];
    const isShipped = file.path.startsWith(`${owner.folder}/src/`);
    return [{ ...file, ...parseModule(file.path, file.text), package: owner, isShipped }];
  });
  return { root, packages, files, sources };
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory())
        return skippedFolders.has(entry.name) || entry.name.startsWith(".") ? [] : listFiles(root, path);
      return textual.test(entry.name) && entry.name !== "package-lock.json" ? [path] : [];
    });
}
