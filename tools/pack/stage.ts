import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import type { Manifest, Package } from "../workspace.ts";

/** What a package keeps to itself; every other folder (`sql`, assets) ships as it is. */
const privateFolders = new Set(["src", "test", "dist", "node_modules"]);

type Stage = { root: string; compiledFolder: string; outFolder: string };

/** Lays out in `outFolder` what one package's tarball holds, from its folder and its compiled files. */
export function stage({ folder, manifest }: Package, { root, compiledFolder, outFolder }: Stage): void {
  rmSync(outFolder, { recursive: true, force: true });
  mkdirSync(outFolder, { recursive: true });
  const source = join(root, folder);
  const shipped = readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !privateFolders.has(entry.name) && !entry.name.startsWith("."))
    .map(({ name }) => name);
  for (const name of shipped) cpSync(join(source, name), join(outFolder, name), { recursive: true });
  cpSync(join(source, "src"), join(outFolder, "src"), { recursive: true });
  copyCompiled(join(compiledFolder, folder, "src"), join(outFolder, "dist"));
  copyAssets(join(source, "src"), join(outFolder, "dist"));
  const readme = [join(source, "README.md"), join(root, "README.md")].find((path) => existsSync(path));
  if (readme !== undefined) cpSync(readme, join(outFolder, "README.md"));
  cpSync(join(root, "LICENSE"), join(outFolder, "LICENSE"));
  const published = publishedManifest(manifest, ["dist", "src", ...shipped]);
  writeFileSync(join(outFolder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
}

/** The package.json of a tarball: source paths become the compiled ones, development is left out. */
function publishedManifest(manifest: Manifest, files: string[]): Manifest {
  const { devDependencies = {}, scripts: _, ...kept } = manifest;
  const dependencies = { ...manifest.dependencies, ...typesOf(manifest.dependencies ?? {}, devDependencies) };
  const exports = Object.entries(manifest.exports ?? {}).map(([subpath, file]) => [
    subpath,
    file.endsWith(".ts") ? { types: compiledPath(file, ".d.ts"), default: compiledPath(file, ".js") } : file,
  ]);
  const bin = Object.entries(manifest.bin ?? {}).map(([name, file]) => [name, compiledPath(file, ".js")]);
  return {
    ...kept,
    dependencies,
    ...(manifest.bin === undefined ? {} : { bin: Object.fromEntries(bin) }),
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    files,
  };
}

/** Declarations mention the types of the libraries beneath them, so these are needed where the declarations are. */
function typesOf(
  dependencies: Record<string, string>,
  devDependencies: Record<string, string>,
): Record<string, string> {
  const types = Object.entries(devDependencies).filter(
    ([name]) => name.startsWith("@types/") && name.slice(7) in dependencies,
  );
  return Object.fromEntries(types);
}

const compiledPath = (file: string, extension: string): string =>
  `./${posix
    .normalize(file)
    .replace(/^src\//, "dist/")
    .replace(/\.ts$/, extension)}`;

function copyCompiled(from: string, to: string): void {
  for (const path of readdirSync(from, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|ts|map)$/.test(path)) continue;
    const text = readFileSync(join(from, path), "utf8");
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), path.endsWith(".map") ? mapFor(path, text) : withJsImports(path, text));
  }
}

/** The compiler rewrites imports of `.ts` files in JavaScript, but not in declarations. */
function withJsImports(path: string, text: string): string {
  return path.endsWith(".d.ts")
    ? text.replaceAll(/((?:from|import|import\()\s*"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"')
    : text;
}

/** A map's source lies in the tarball too, under `src`. */
function mapFor(path: string, text: string): string {
  const source = path.replace(/(\.d\.ts|\.js)\.map$/, ".ts");
  const fromMap = posix.join("../".repeat(path.split("/").length), "src", source);
  return JSON.stringify({ ...(JSON.parse(text) as object), sourceRoot: "", sources: [fromMap] });
}

function copyAssets(from: string, to: string): void {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory() || entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    cpSync(path, join(to, relative(from, path)));
  }
}
