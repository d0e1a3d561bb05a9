import { Fault } from "@banyan/kernel";

type Kind = Fault["kind"];

/** What the edge itself refuses, before or around a call. Codes are `gateway.<name>`. */
const refusals = {
  /** The request line, a header or the framing is not what HTTP allows, or is read differently by different servers. */
  malformedRequest: ["invalid", 400],
  /** The body is not the JSON object, or the text, that the action takes. */
  malformedBody: ["invalid", 400],
  /** A query string or path that is not text, or a name given twice. */
  malformedInput: ["invalid", 400],
  /** `Idempotency-Key` must be 1 to 255 visible ASCII characters. */
  malformedIdempotencyKey: ["invalid", 400],
  /** The credentials are not known here. */
  invalidCredentials: ["unauthenticated", 401],
  unknownRoute: ["not_found", 404],
  methodNotAllowed: ["invalid", 405],
  /** The request did not arrive in time. */
  requestTimeout: ["deadline", 408],
  bodyTooLarge: ["invalid", 413],
  urlTooLong: ["invalid", 414],
  unsupportedMediaType: ["invalid", 415],
  rateLimited: ["exhausted", 429],
  headersTooLarge: ["invalid", 431],
} as const satisfies Record<string, readonly [Kind, number]>;

export type Refusal = keyof typeof refusals;

export interface RefusalDetails {
  /** The input field that is wrong. */
  readonly field?: string | undefined;
  /** Headers that belong to the answer, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What there is to know of each refusal, for the description of the API. */
export const refusalCatalogue: readonly { readonly code: string; readonly kind: Kind; readonly status: number }[] =
  Object.entries(refusals).map(([name, [kind, status]]) => ({ code: `gateway.${name}`, kind, status }));

const statusByCode = new Map(refusalCatalogue.map(({ code, status }) => [code, status]));

/** A fault of the edge. `message` says what happened and what to do. */
export function refusal(
  name: Refusal,
  message: string,
  details: RefusalDetails & { readonly retryAfterMs?: number } = {},
): Fault {
  const { retryAfterMs, ...rest } = details;
  // A request that was cut short has not run; everything else follows from the kind.
  const retry = name === "requestTimeout" ? "yes" : undefined;
  return new Fault({ code: `gateway.${name}`, kind: refusals[name][0], message, details: rest, retryAfterMs, retry });
}

/** Where HTTP has a status of its own for a refusal; undefined for everyone else's faults. */
export function refusalStatus(code: string): number | undefined {
  return statusByCode.get(code);
}
