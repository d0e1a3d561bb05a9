import { posix } from "node:path";
import type { House, Violation } from "../house.ts";

const linesMax = 500;
const filesMax = 15;

/** A source file has at most 500 lines. (Biome counts the lines and parameters of functions.) */
export function fileSizes(house: House): Violation[] {
  return house.files.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    if (!/\.(ts|mjs|sql)$/.test(path) || lines <= linesMax) return [];
    return [{ subject: path, message: `${lines} lines, more than ${linesMax}: is it one thing?` }];
  });
}

/** A folder holds at most 15 files. */
export function folderSizes(house: House): Violation[] {
  const folders = Map.groupBy(house.files, ({ path }) => posix.dirname(path));
  return [...folders]
    .filter(([, files]) => files.length > filesMax)
    .map(([folder, { length }]) => ({
      subject: folder,
      message: `${length} files, more than ${filesMax}: group them`,
    }));
}
