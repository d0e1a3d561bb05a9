import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { CommandFailure } from "../failure.ts";
import type { Environment } from "./environment.ts";

const ServerRecord = z.object({
  pid: z.int().positive(),
  title: z.string(),
  url: z.string(),
  /** The development key. */
  key: z.string(),
  /** With its password. */
  databaseUrl: z.string(),
  /** Path of the control socket. */
  socket: z.string(),
  startedAt: z.string(),
});
/** What a running server leaves in `.banyan/server.json` (mode 0600), so that the other commands find it. */
export type ServerRecord = z.infer<typeof ServerRecord>;

export interface DataFolder {
  readonly path: string;
  readonly postgres: string;
  readonly serverFile: string;
  readonly keyFile: string;
}

/** `.banyan` beside the configuration file, unless the environment names another. */
export function dataFolderOf(configFile: string, { BANYAN_DATA }: Environment): DataFolder {
  const path = BANYAN_DATA === undefined ? join(dirname(configFile), ".banyan") : resolve(BANYAN_DATA);
  return {
    path,
    postgres: join(path, "postgres"),
    serverFile: join(path, "server.json"),
    keyFile: join(path, "api-key"),
  };
}

/** Creates the folder; its files are private one by one, since the database's user must get through. */
export function createDataFolder(folder: DataFolder): void {
  try {
    mkdirSync(folder.path, { recursive: true, mode: 0o755 });
    writePrivately(join(folder.path, ".gitignore"), "*\n");
  } catch (cause) {
    throw new CommandFailure(
      `The data folder ${folder.path} cannot be written: ${(cause as Error).message}.`,
      "Give this user the right to write it (`chown -R`), or set BANYAN_DATA to another folder.",
    );
  }
}

export interface DevelopmentKey {
  readonly key: string;
  readonly from: "environment" | "kept" | "new";
}

/** The environment's, the one kept from an earlier start, or a new one that is kept from now on. */
export function developmentKey(folder: DataFolder, given: string | undefined): DevelopmentKey {
  if (given !== undefined) return { key: given, from: "environment" };
  if (existsSync(folder.keyFile)) {
    const kept = readFileSync(folder.keyFile, "utf8").trim();
    if (kept !== "") return { key: kept, from: "kept" };
  }
  // 24 random bytes: beyond guessing at any rate that a gateway answers.
  const key = `bk_dev_${randomBytes(24).toString("base64url")}`;
  writePrivately(folder.keyFile, `${key}\n`);
  return { key, from: "new" };
}

/** The live server of this data folder; a record that a killed one left behind does not count. */
export async function runningServer(folder: DataFolder): Promise<ServerRecord | undefined> {
  const record = readRecord(folder);
  return record !== undefined && (await isListening(record.socket)) ? record : undefined;
}

export function recordServer(folder: DataFolder, record: ServerRecord): void {
  writePrivately(folder.serverFile, `${JSON.stringify(record, null, 2)}\n`);
}

/** Removes the record if it is this process's own. */
export function forgetServer(folder: DataFolder): void {
  if (readRecord(folder)?.pid === process.pid) rmSync(folder.serverFile, { force: true });
}

function readRecord(folder: DataFolder): ServerRecord | undefined {
  try {
    return ServerRecord.safeParse(JSON.parse(readFileSync(folder.serverFile, "utf8"))).data;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CommandFailure(
      `${folder.serverFile} cannot be read: ${(error as Error).message}.`,
      "A server of another user runs, or ran, on this data folder: work as that user.",
    );
  }
}

/** Whether someone answers: the pid in a record may long be another process's. */
function isListening(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

function writePrivately(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  // The mode above counts for new files only.
  chmodSync(path, 0o600);
}
