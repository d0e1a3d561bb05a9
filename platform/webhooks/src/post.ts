import type { LookupFunction } from "node:net";
import type { Target } from "./target.ts";

/** What came back: the status, and for how long not to come again. The body is nobody's business here, and is not read. */
export interface PostAnswer {
  readonly status: number;
  readonly retryAfterMs: number | null;
}

/**
 * Posts JSON to one of the checked addresses of a target, on a connection of its own. Redirects are an answer like any
 * other and not followed. Rejects where no answer comes before `signal` aborts.
 */
export function post(
  { url, addresses }: Target,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  signal: AbortSignal,
): Promise<PostAnswer> {
  // Loaded with the first webhook that is sent: most processes send none.
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  const lookup: LookupFunction = (_host, { all }, found) => {
    const [{ address, family }] = addresses as [Target["addresses"][number]];
    if (all) found(null, [...addresses]);
    else found(null, address, family);
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: "POST",
      agent: false,
      lookup,
      signal,
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    });
    sent.on("error", reject);
    sent.on("response", (answer) => {
      const { statusCode = 0, headers } = answer;
      answer.on("error", () => {});
      answer.destroy();
      resolve({ status: statusCode, retryAfterMs: retryAfterOf(headers["retry-after"]) });
    });
    sent.end(body);
  });
}

/** Seconds (RFC 9110, section 10.2.3); a date is left to our own schedule. */
function retryAfterOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,7}$/.test(header) ? Number(header) * 1_000 : null;
}
