import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { eventBytesMax, type Line } from "@banyan/user-events-formats";

const newline = 10;
/** More than any event may have, and less than a body, however many of its bytes are escaped in JSON. */
const lineBytesMax = 4 * eventBytesMax;

/**
 * The lines of a file, without empty ones; one whose name ends in ".gz" is unpacked. `read` is told after each piece how many bytes of the file
 * it took. What is no UTF-8 is taken as Latin-1. Of a line without end only the beginning is handed on.
 */
export async function* linesOf(file: string, signal: AbortSignal, read: (bytes: number) => void): AsyncGenerator<Line> {
  const seen = new Map<string, number>();
  let begun: Buffer = Buffer.alloc(0);
  const stored = piecesOf(file, signal, read);
  // What ends the one ends the other, which raises it here.
  const content = file.endsWith(".gz") ? pipeline(stored, createGunzip(), () => {}) : stored;
  for await (const piece of content) {
    let rest = piece as Buffer;
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      yield* lineOf(longer(begun, rest.subarray(0, end)), seen);
      begun = Buffer.alloc(0);
      rest = rest.subarray(end + 1);
    }
    begun = longer(begun, rest);
  }
  yield* lineOf(begun, seen);
}

function longer(begun: Buffer, more: Buffer): Buffer {
  return Buffer.concat([begun, more.subarray(0, lineBytesMax - begun.length)]);
}

async function* piecesOf(file: string, signal: AbortSignal, read: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of createReadStream(file, { signal, highWaterMark: 256 * 1024 })) {
    read((piece as Buffer).length);
    yield piece as Buffer;
  }
}

function* lineOf(bytes: Buffer, seen: Map<string, number>): Generator<Line> {
  // No JSON of ours holds NUL.
  const text = bytes
    .toString(isUtf8(bytes) ? "utf8" : "latin1")
    .trim()
    .replaceAll("\0", "\\u0000");
  if (text === "") return;
  // 8 bytes of a digest: of a million lines two are taken for alike once in ten million files.
  const key = createHash("sha256").update(text).digest("base64url").slice(0, 11);
  const occurrence = seen.get(key) ?? 0;
  seen.set(key, occurrence + 1);
  yield { text, occurrence };
}
