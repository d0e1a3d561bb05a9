import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { findPackages, type Package } from "../workspace.ts";
import { compile } from "./compile.ts";
import { stage } from "./stage.ts";

/** A finished tarball and the package it holds. */
export type Tarball = { name: string; path: string };

/** Every workspace that is meant for other people's projects: not private, and with something in `src`. */
export function publishable(root: string): Package[] {
  return findPackages(root).filter(
    ({ folder, manifest }) => manifest.private !== true && existsSync(join(root, folder, "src")),
  );
}

/** Builds `packages` into tarballs in `outFolder`: ESM JavaScript, declarations, maps, sources, SQL. */
export function pack(root: string, packages: Package[], outFolder: string): Tarball[] {
  mkdirSync(outFolder, { recursive: true });
  // Within the project, so that the compiler finds its node_modules; apart from another run's at the same time.
  const workFolder = join(root, "dist", `.pack-${process.pid}`);
  try {
    compile(root, packages, join(workFolder, "compiled"));
    const folders = packages.map((one) => {
      const folder = join(workFolder, "staged", basename(one.manifest.name));
      stage(one, { root, compiledFolder: join(workFolder, "compiled"), outFolder: folder });
      return folder;
    });
    return npmPack(folders, outFolder);
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
}

function npmPack(folders: string[], outFolder: string): Tarball[] {
  const args = ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", outFolder, ...folders];
  const output = JSON.parse(execFileSync("npm", args, { encoding: "utf8" })) as Packed[] | Record<string, Packed>;
  // npm 11 gives an array, npm 12 an object by name.
  return Object.values(output).map(({ name, filename }) => ({ name, path: join(outFolder, basename(filename)) }));
}

type Packed = { name: string; filename: string };
