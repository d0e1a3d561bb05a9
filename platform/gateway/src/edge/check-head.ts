import type { IncomingMessage } from "node:http";
import { refusal } from "../answers/refusals.ts";
import type { Limits } from "../limits.ts";
import { type Head, head } from "./head.ts";

/** What most targets have none of; the others are looked at more closely. */
const remarkable = /[^\w/?=&:~-]|\/\//;
/** What RFC 3986 allows in a target, and `[`, `]`, `|`, which browsers send in queries. */
const notInTarget = /[^\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7c\x7e]/;
/** `.` and `..` as segments, plain or encoded, whatever slash stands before: others resolve them, we do not. */
const dotSegment = /(?:\/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:\/|\\|%2f|%5c|$)/i;

/** What `readBody` can undo. */
const contentEncodings = /^(?:identity|(?:x-)?gzip)$/i;

/**
 * Refuses requests that other servers on the way may have read otherwise than we do, and those beyond the limits. It
 * looks at the head alone; nothing of the body has been read. Throws refusals.
 */
export function checkHead(request: IncomingMessage, { bits, twice }: Head, limits: Limits): void {
  const { url = "", method, rawHeaders } = request;
  checkTarget(url, limits.urlBytesMax);
  if (rawHeaders.length / 2 > limits.headersMax) {
    throw refusal("headersTooLarge", `the request has more than ${limits.headersMax} headers`);
  }
  if (twice !== undefined) throw refusal("malformedRequest", `the header ${twice} is given twice`);
  if ((bits & head.host) === 0 && request.httpVersion === "1.1") {
    throw refusal("malformedRequest", "HTTP/1.1 needs a Host header");
  }
  if ((bits & head.contentEncoding) !== 0 && !contentEncodings.test(request.headers["content-encoding"] ?? "")) {
    throw refusal("unsupportedMediaType", "send the request's body as it is, or as gzip", {
      headers: { "accept-encoding": "gzip, identity" },
    });
  }
  if ((method === "GET" || method === "HEAD") && (bits & (head.contentLength | head.transferEncoding)) !== 0) {
    if (request.headers["content-length"] !== "0") {
      throw refusal("malformedRequest", `a ${method} with a body is refused: it would be ignored`);
    }
  }
}

function checkTarget(url: string, bytesMax: number): void {
  if (url.length > bytesMax) throw refusal("urlTooLong", `the request target is longer than ${bytesMax} bytes`);
  if (url.charCodeAt(0) !== 47) {
    throw refusal("malformedRequest", "the request target must be a path, such as /v1/accounts");
  }
  if (!remarkable.test(url)) return;
  if (notInTarget.test(url)) {
    throw refusal("malformedRequest", "the request target holds a character that must be percent-encoded");
  }
  const query = url.indexOf("?");
  const path = query < 0 ? url : url.slice(0, query);
  if (path.includes("//")) throw refusal("malformedRequest", "the path has an empty segment (//)");
  if ((path.includes(".") || path.includes("%")) && (dotSegment.test(path) || path.includes("%00"))) {
    throw refusal("malformedRequest", "the path has a segment that is . or .., or a NUL");
  }
}
