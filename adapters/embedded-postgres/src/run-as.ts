import { chownSync, existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Who runs the server. PostgreSQL refuses root, so root lends it an unprivileged uid; everyone else runs it directly. */
export type RunAs = { uid: number; gid: number };

/** "nobody", by number: the server does not need the name, but initdb refuses a uid that has none. */
const UNPRIVILEGED = process.platform === "darwin" ? 4_294_967_294 : 65_534;

/**
 * Undefined for a plain user. Root runs the server as the owner of the data folder, so that `sudo npm start` does not
 * take the data away from the user who made it, nor a container from the user whose folder is mounted.
 */
export function chooseRunAs(dataFolder: string): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(dataFolder);
  return uid === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : { uid, gid };
}

/** The same for `spawn`, which takes ids as signed 32 bits where `chown` takes them unsigned. */
export function spawnAs(runAs: RunAs | undefined): Partial<RunAs> {
  return runAs ? { uid: runAs.uid | 0, gid: runAs.gid | 0 } : {};
}

/** Gives a folder and all that it holds to the server's user. 1,000 files take 10 ms. */
export function giveTo(runAs: RunAs | undefined, folder: string): void {
  if (!runAs) return;
  chownSync(folder, runAs.uid, runAs.gid);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo(runAs, path);
    else if (!entry.isSymbolicLink()) chownSync(path, runAs.uid, runAs.gid);
  }
}

/**
 * Whether the server's user may walk to `folder` by its path: /root and most homes stop it.
 * Judged by mode bits alone; an access list that grants more only costs us a detour.
 */
export function canReach(runAs: RunAs | undefined, folder: string): boolean {
  if (!runAs) return true;
  for (let path = resolve(folder); ; path = dirname(path)) {
    if (existsSync(path)) {
      const { uid, gid, mode } = statSync(path);
      const bit = uid === runAs.uid ? 0o100 : gid === runAs.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    }
    if (path === dirname(path)) return true;
  }
}

/** True for a folder that only this process's user (or root) can change: nobody else planted what lies in it. */
export function isPrivate(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
}
