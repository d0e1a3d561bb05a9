import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The fields of a package.json that the tools read. */
export type Manifest = {
  name: string;
  version: string;
  private?: boolean;
  description?: string;
  bin?: Record<string, string>;
  exports?: Record<string, string>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  [other: string]: unknown;
};

/** One npm workspace; `folder` is relative to the root, with forward slashes. */
export type Package = { folder: string; manifest: Manifest };

/** Every package that the root's `workspaces` patterns find on disk, in the patterns' order. */
export function findPackages(root: string): Package[] {
  const { workspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { workspaces: string[] };
  const folders = workspaces.flatMap((pattern) => expand(root, pattern.split("/")));
  return folders.map((folder) => ({ folder, manifest: readManifest(join(root, folder)) }));
}

/** Reads `folder`/package.json. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Npm knows more pattern syntax; the project uses whole segments and `*` only. */
function expand(root: string, segments: string[], base = ""): string[] {
  const [segment, ...rest] = segments;
  if (segment === undefined) return existsSync(join(root, base, "package.json")) ? [base] : [];
  const names = segment === "*" ? subfolders(join(root, base)) : [segment];
  return names.flatMap((name) => expand(root, rest, base === "" ? name : `${base}/${name}`));
}

function subfolders(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
