import type { IncomingMessage, ServerResponse } from "node:http";

/** Adds what lets a page of an allowed origin read the answer; true where the request was a preflight, and is answered. */
export type CrossOrigin = (request: IncomingMessage, response: ServerResponse) => boolean;

const methods = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** Any, such as clients count their tries in; `*` stands neither for `authorization` nor, in old browsers, for anything. */
const requestHeaders = "authorization, content-type, idempotency-key, traceparent, *";
const answerHeaders = "idempotency-replayed, ratelimit, ratelimit-policy, retry-after";

/**
 * CORS (Fetch standard) for a fixed list of origins, as "https://app.example", or for all of them, as "*". Nothing of a request is
 * reflected, and credentials are not allowed: pages send a key, no cookie is looked at. Throws where an entry is no origin.
 */
export function crossOriginFor(origins: readonly string[]): CrossOrigin | undefined {
  if (origins.length === 0) return undefined;
  const isForAll = origins.includes("*");
  const wrong = origins.find(
    (origin) => origin !== "*" && (!URL.canParse(origin) || new URL(origin).origin !== origin),
  );
  if (wrong !== undefined) throw new Error(`"${wrong}" is no origin; write it as https://app.example`);
  const allowed = new Set(origins);
  return (request, response) => {
    if (!isForAll) response.setHeader("vary", "origin");
    const { origin } = request.headers;
    if (origin === undefined || !(isForAll || allowed.has(origin))) return false;
    response.setHeader("access-control-allow-origin", isForAll ? "*" : origin);
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) {
      response.setHeader("access-control-expose-headers", answerHeaders);
      return false;
    }
    response.setHeader("access-control-allow-methods", methods);
    response.setHeader("access-control-allow-headers", requestHeaders);
    response.setHeader("access-control-max-age", "600");
    response.writeHead(204).end();
    return true;
  };
}
