import { dirname, join, relative } from "node:path";
import { pack, publishable } from "./pack.ts";

const root = dirname(dirname(import.meta.dirname));
for (const { name, path } of pack(root, publishable(root), join(root, "dist"))) {
  console.log(`${name}  ${relative(process.cwd(), path)}`);
}
