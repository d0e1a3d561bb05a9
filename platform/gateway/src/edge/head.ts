/** Headers that the edge looks at, each a bit: most requests have two of them, and looking up the others costs more than this. */
export const head = {
  host: 1 << 0,
  authorization: 1 << 1,
  contentType: 1 << 2,
  contentEncoding: 1 << 3,
  contentLength: 1 << 4,
  transferEncoding: 1 << 5,
  idempotencyKey: 1 << 6,
  traceparent: 1 << 7,
  origin: 1 << 8,
} as const;

const bits = new Map<string, number>([
  ["host", head.host],
  ["authorization", head.authorization],
  ["content-type", head.contentType],
  ["content-encoding", head.contentEncoding],
  ["content-length", head.contentLength],
  ["transfer-encoding", head.transferEncoding],
  ["idempotency-key", head.idempotencyKey],
  ["traceparent", head.traceparent],
  ["origin", head.origin],
]);
const lengths = [...bits.keys()].reduce((mask, name) => mask | (1 << name.length), 0);
const lengthMax = 31;

export interface Head {
  /** Which of the headers above are there. */
  readonly bits: number;
  /** The first that is there twice. Each means one thing, and servers differ in which they believe (RFC 9110, section 5.3). */
  readonly twice: string | undefined;
}

/** Names and values alternate, as Node hands them over. */
export function readHead(rawHeaders: readonly string[]): Head {
  let found = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length > lengthMax || (lengths & (1 << name.length)) === 0) continue;
    const bit = bits.get(name) ?? bits.get(name.toLowerCase()) ?? 0;
    if ((found & bit) !== 0) return { bits: found, twice: name.toLowerCase() };
    found |= bit;
  }
  return { bits: found, twice: undefined };
}
