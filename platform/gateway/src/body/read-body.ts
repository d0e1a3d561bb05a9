import type { IncomingMessage } from "node:http";
import { gunzip } from "node:zlib";
import { refusal } from "../answers/refusals.ts";
import { head } from "../edge/head.ts";

interface Callbacks {
  readonly succeed: (body: Buffer) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Reads a request's body to its end, and unpacks what was sent as gzip. Calls back once: `succeed` with all of its bytes, or `fail`
 * with a refusal where they are more than `bytesMax`, packed or unpacked, or with the error of a connection that broke. What lies
 * beyond the limit is not taken from the network; whoever answers the refusal closes the connection.
 */
export function readBody(request: IncomingMessage, bytesMax: number, callbacks: Callbacks): void {
  if (!isPacked(request)) {
    readBytes(request, bytesMax, callbacks);
    return;
  }
  const { succeed, fail } = callbacks;
  const unpack = (packed: Buffer) =>
    gunzip(packed, { maxOutputLength: bytesMax }, (error, body) => {
      if (error === null) succeed(body);
      else if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") fail(tooLarge());
      else fail(refusal("malformedBody", "the body is not what gzip writes"));
    });
  readBytes(request, bytesMax, { succeed: unpack, fail });
}

/** As gzip: all that the head's check lets through but `identity`, in whichever case (RFC 9110, section 8.4.1). */
export function isPacked({ arrival, headers }: IncomingMessage): boolean {
  return (arrival.bits & head.contentEncoding) !== 0 && /gzip/i.test(headers["content-encoding"] ?? "");
}

function readBytes(request: IncomingMessage, bytesMax: number, { succeed, fail }: Callbacks): void {
  if (Number(request.headers["content-length"]) > bytesMax) {
    fail(tooLarge());
    return;
  }
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let bytes = 0;
  let isSettled = false;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      if (isSettled) return;
      isSettled = true;
      request.pause();
      fail(tooLarge());
    } else if (first === undefined) first = chunk;
    else if (rest === undefined) rest = [first, chunk];
    else rest.push(chunk);
  });
  request.on("end", () => {
    if (isSettled) return;
    isSettled = true;
    succeed(rest === undefined ? (first ?? nothing) : Buffer.concat(rest, bytes));
  });
  request.on("error", (error) => {
    if (isSettled) return;
    isSettled = true;
    fail(error);
  });
}

const nothing = Buffer.alloc(0);

function tooLarge() {
  return refusal("bodyTooLarge", "the body is larger than this route takes");
}
