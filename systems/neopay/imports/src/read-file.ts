import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { decodeDocument } from "@banyan/neopay-bank-files";
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

/** The pieces of a file as they are read; `read` is told after each how many bytes have gone by. */
export async function* readPieces(
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
  return decodeDocument(await readFile(file, { signal }));
}
