import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { undoneAtExit } from "./leftovers.ts";

const megabyte = Buffer.alloc(1_048_576);

/** A file system in memory, small enough to be filled, over a folder: what the folder held is there again once it is gone. */
export class SmallDisk {
  private readonly folder: string;
  private readonly filler: string;
  private readonly forget = undoneAtExit(() => this.close());

  private constructor(folder: string) {
    this.folder = folder;
    this.filler = join(folder, "filler");
  }

  static over(folder: string, megabytes: number): SmallDisk {
    mkdirSync(folder, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "tmpfs", folder]);
    return new SmallDisk(folder);
  }

  /** To the last page. Again where its user has let go of something. */
  fill(): void {
    const file = openSync(this.filler, "a");
    try {
      for (const size of [megabyte.length, 4_096]) while (hasRoomFor(file, size));
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.filler, { force: true });
  }

  /** Also while somebody still has a file of it open. */
  close(): void {
    this.forget();
    execFileSync("umount", ["--lazy", this.folder]);
  }
}

function hasRoomFor(file: number, size: number): boolean {
  try {
    return writeSync(file, megabyte, 0, size) === size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
