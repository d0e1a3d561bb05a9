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

/** By length, of which no two share one: a look into a table and one comparison, where a map would hash each name. */
const byLength: (readonly [name: string, bit: number] | undefined)[] = [];
for (const known of [
  ["host", head.host],
  ["origin", head.origin],
  ["traceparent", head.traceparent],
  ["content-type", head.contentType],
  ["authorization", head.authorization],
  ["content-length", head.contentLength],
  ["idempotency-key", head.idempotencyKey],
  ["content-encoding", head.contentEncoding],
  ["transfer-encoding", head.transferEncoding],
] as const) {
  byLength[known[0].length] = known;
}

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
    const written = rawHeaders[index] as string;
    const known = byLength[written.length];
    if (known === undefined) continue;
    const [name, bit] = known;
    if (written !== name && written.toLowerCase() !== name) continue;
    if ((found & bit) !== 0) return { bits: found, twice: name };
    found |= bit;
  }
  return { bits: found, twice: undefined };
}
