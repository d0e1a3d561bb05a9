import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { run } from "./run.ts";

// Stripping types and compiling costs about as much as all else a start does. In this user's own folder: what lies in
// a folder that others write is not for running. Where there is no home, the cache is what is done without.
if (process.env.HOME) enableCompileCache(join(process.env.HOME, ".cache", "banyan", "compiled"));
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
await run(process.argv.slice(2), version);
