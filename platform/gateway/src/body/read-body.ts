import type { IncomingMessage } from "node:http";
import { refusal } from "../answers/refusals.ts";

/**
 * Reads a request's body to its end. Calls back once: `succeed` with all of its bytes, or `fail` with a refusal where
 * they are more than `bytesMax` or with the error of a connection that broke. What lies beyond the limit is not taken
 * from the network; whoever answers the refusal closes the connection.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  { succeed, fail }: { readonly succeed: (body: Buffer) => void; readonly fail: (error: unknown) => void },
): void {
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
