import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Nothing here takes minutes, so an older draft was left by a process that died. */
const ABANDONED_AFTER_MS = 10 * 60_000;

/**
 * Makes `target` appear whole or not at all: `build` fills a draft beside it, one rename publishes it.
 * Of several processes at once one wins; the others' drafts are dropped and the winner's folder serves all.
 * Returns whether this call published it.
 */
export async function publishFolder(target: string, build: (draft: string) => Promise<void>): Promise<boolean> {
  if (existsSync(target)) return false;
  await mkdir(dirname(target), { recursive: true });
  await removeAbandoned(target);
  const draft = `${target}.draft-${randomBytes(6).toString("hex")}`;
  await mkdir(draft);
  try {
    await build(draft);
    await rename(draft, target);
    return true;
  } catch (error) {
    if (existsSync(target)) return false;
    throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function removeAbandoned(target: string): Promise<void> {
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(`${basename(target)}.draft-`)) continue;
    const path = join(dirname(target), name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}
