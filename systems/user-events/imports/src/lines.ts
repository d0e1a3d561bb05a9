import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

/** A line and how many lines like it came before it in its file. */
export interface Line {
  readonly text: string;
  readonly occurrence: number;
}

const newline = 10;

/**
 * The lines of a file, without empty ones; one whose name ends in ".gz" is unpacked. `read` is told after each piece how many bytes of the file
 * it took. What is no UTF-8 is taken as Latin-1.
 */
export async function* linesOf(file: string, signal: AbortSignal, read: (bytes: number) => void): AsyncGenerator<Line> {
  const seen = new Map<string, number>();
  let rest: Buffer = Buffer.alloc(0);
  const stored = piecesOf(file, signal, read);
  // What ends the one ends the other, which raises it here.
  const content = file.endsWith(".gz") ? pipeline(stored, createGunzip(), () => {}) : stored;
  for await (const piece of content) {
    let bytes = Buffer.concat([rest, piece as Buffer]);
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline)) {
      yield* lineOf(bytes.subarray(0, end), seen);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
  }
  yield* lineOf(rest, seen);
}

async function* piecesOf(file: string, signal: AbortSignal, read: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of createReadStream(file, { signal, highWaterMark: 256 * 1024 })) {
    read((piece as Buffer).length);
    yield piece as Buffer;
  }
}

function* lineOf(bytes: Buffer, seen: Map<string, number>): Generator<Line> {
  const text = bytes.toString(isUtf8(bytes) ? "utf8" : "latin1").trim();
  if (text === "") return;
  // 8 bytes of a digest: of a million lines two are taken for alike once in ten million files.
  const key = createHash("sha256").update(text).digest("base64url").slice(0, 11);
  const occurrence = seen.get(key) ?? 0;
  seen.set(key, occurrence + 1);
  yield { text, occurrence };
}
