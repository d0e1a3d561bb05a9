import { createHash, randomFillSync } from "node:crypto";

/** Random bytes are fetched 4 KiB at a time: a call for 16 costs 2 us, of which the fetching is nearly all. */
const pool = new Uint8Array(4096);
let used = pool.length;

/** `count` random bytes, at most 4,096; a view that stays valid until the pool is refilled, so copy or encode it now. */
function random(count: number): Uint8Array {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hex[byte];
  return text;
}

/** A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits. */
export function uuidv7(nowMs: number): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, "0");
  const r = toHex(random(10));
  const variant = hex[(Number.parseInt(r.slice(3, 5), 16) & 0x3f) | 0x80];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${r.slice(0, 3)}-${variant}${r.slice(5, 7)}-${r.slice(7, 19)}`;
}

/** 32 hexadecimal digits: a trace id of W3C Trace Context. */
export function newTraceId(): string {
  return toHex(random(16));
}

/** 16 hexadecimal digits: a span id of W3C Trace Context. */
export function newSpanId(): string {
  return toHex(random(8));
}

/** 16 random bytes of their own. */
export function randomKey(): Uint8Array {
  return random(16).slice();
}

/** The first `bytes` of SHA-256 over the parts, each followed by a zero byte, so that ("ab", "c") is not ("a", "bc"). */
export function digest(bytes: number, ...parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest().subarray(0, bytes);
}

/** JSON with sorted keys: equal values give equal text, whatever order a client wrote their fields in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, child: unknown) =>
    child !== null && typeof child === "object" && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}
