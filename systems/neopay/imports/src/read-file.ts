import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { decodeDocument, ParseError } from "@banyan/neopay-bank-files";
import type { Call } from "./post-in-bulk.ts";

/** What the CLI gives an importer: files to read one after another, and whom to tell how far it is. */
export type ImportRun = {
  readonly files: readonly string[];
  readonly call: Call;
  progress(doneBytes: number, totalBytes: number): void;
  readonly signal: AbortSignal;
};

export async function totalBytes(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * The pieces of a file as they are read; one whose name ends in ".gz" is unpacked. `read` is told after each how many bytes of the file
 * have gone by. Throws ParseError where there is no gzip to unpack.
 */
export async function* readPieces(
  file: string,
  signal: AbortSignal,
  read: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const stored = storedPieces(file, signal, read);
  if (!file.endsWith(".gz")) return yield* stored;
  try {
    // What ends the one ends the other, which raises it here.
    for await (const piece of pipeline(stored, createGunzip(), () => {})) yield piece as Uint8Array;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) throw error;
    throw new ParseError({ line: null, at: null }, "the file is not what gzip writes, or is cut short", {
      cause: error,
    });
  }
}

async function* storedPieces(
  file: string,
  signal: AbortSignal,
  read: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of createReadStream(file, { signal, highWaterMark: 256 * 1024 })) {
    read((piece as Uint8Array).length);
    yield piece as Uint8Array;
  }
}

/** The text of a whole document. Throws ParseError when it is not in the encoding that it declares. */
export async function readDocument(file: string, signal: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readPieces(file, signal, () => {})) pieces.push(piece);
  return decodeDocument(Buffer.concat(pieces));
}
