import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { refusal } from "../answers/refusals.ts";
import { isPacked } from "./read-body.ts";

const newline = 10;

/**
 * The lines of a request's body, in pieces of up to `bytesMax` that end with a line. Nothing more is taken from the network than the piece
 * that is being put together, so that a body may be of any length. The same body comes in the same pieces. Of a line that is longer than
 * a piece only its beginning is handed on, as a piece of its own. A line that is no UTF-8 is taken as Latin-1. Raises a refusal where
 * a piece is not there within `pieceMsMax`, or what is said to be gzip is none.
 */
export async function* linePieces(
  request: IncomingMessage,
  { bytesMax, pieceMsMax }: { readonly bytesMax: number; readonly pieceMsMax: number },
): AsyncGenerator<string> {
  const due = { at: performance.now() + pieceMsMax };
  let rest: Buffer = Buffer.alloc(0);
  let isSkipping = false;
  for await (const bytes of chunksOf(request, due)) {
    let given = bytes;
    if (isSkipping) {
      const end = given.indexOf(newline);
      if (end < 0) continue;
      given = given.subarray(end + 1);
      isSkipping = false;
    }
    rest = rest.length === 0 ? given : Buffer.concat([rest, given]);
    while (rest.length > bytesMax) {
      const end = rest.lastIndexOf(newline, bytesMax - 1);
      yield textOf(rest.subarray(0, end < 0 ? bytesMax : end));
      due.at = performance.now() + pieceMsMax;
      const next = end < 0 ? rest.indexOf(newline, bytesMax) : end;
      isSkipping = next < 0;
      rest = isSkipping ? Buffer.alloc(0) : rest.subarray(next + 1);
    }
  }
  if (rest.length > 0) yield textOf(rest);
}

/** The body as it comes, unpacked; the request itself stays, so that it can be answered. */
async function* chunksOf(request: IncomingMessage, due: { readonly at: number }): AsyncGenerator<Buffer> {
  const body = isPacked(request) ? unpacked(request) : request;
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  for (;;) {
    const { done, value } = await before(due.at, chunks.next()).catch((error: NodeJS.ErrnoException) => {
      throw error.code?.startsWith("Z_") ? refusal("malformedBody", "the body is not what gzip writes") : error;
    });
    if (done) return;
    yield value;
  }
}

function unpacked(request: IncomingMessage): Readable {
  const unpacking = createGunzip();
  request.once("error", (error) => unpacking.destroy(error));
  return request.pipe(unpacking);
}

function before<T>(at: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const refuse = () => reject(refusal("requestTimeout", "the rest of the request did not arrive in time"));
    timer = setTimeout(refuse, at - performance.now());
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  const lines: string[] = [];
  for (let at = 0; at <= bytes.length; ) {
    const end = bytes.indexOf(newline, at);
    const line = bytes.subarray(at, end < 0 ? bytes.length : end);
    lines.push(line.toString(isUtf8(line) ? "utf8" : "latin1"));
    at += line.length + 1;
  }
  return lines.join("\n");
}
