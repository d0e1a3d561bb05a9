import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Package } from "../workspace.ts";

/**
 * Compiles the `src` of every package into `outFolder`, which then mirrors the project: JavaScript, declarations and
 * maps. One program for all, because a package's declarations need its neighbours' types. Throws what the compiler said.
 */
export function compile(root: string, packages: Package[], outFolder: string): void {
  mkdirSync(outFolder, { recursive: true });
  const config = join(outFolder, "tsconfig.json");
  const up = relative(outFolder, root);
  writeFileSync(
    config,
    JSON.stringify({
      extends: `${up}/tsconfig.json`,
      compilerOptions: {
        noEmit: false,
        noEmitOnError: true,
        outDir: ".",
        rootDir: up,
        declaration: true,
        declarationMap: true,
        sourceMap: true,
      },
      include: packages.map(({ folder }) => `${up}/${folder}/src`),
      exclude: [],
    }),
  );
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [compiler, "--checkers", "1", "-p", config], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`The packages do not compile:\n${stdout}`);
}
