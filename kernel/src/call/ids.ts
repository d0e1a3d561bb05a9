import { hash, randomFillSync } from "node:crypto";

/** Random bytes are fetched 4 KiB at a time: a call for 16 costs 2 us, of which the fetching is nearly all. */
const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

/** Where in the pool the next `count` random bytes lie, at most 4,096; until the pool is refilled, so encode them now. */
function random(count: number): number {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return used - count;
}

let lastMs = 0;
let counter = 0;

/**
 * The 16 bytes of a UUIDv7 (RFC 9562, section 5.7), in the pool: 48 bits of milliseconds, then a counter of 12 bits that starts at
 * random in the lower half of its range (section 6.2, method 1), then 62 random bits. Those of one process sort in the order
 * they were made; where the counter is used up, or the clock goes back, the time runs ahead.
 */
function nextUuid(nowMs: number): number {
  const at = random(16);
  if (nowMs > lastMs) {
    lastMs = Math.floor(nowMs);
    counter = pool.readUInt16BE(at) & 0x7ff;
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  pool.writeUIntBE(lastMs, at, 6);
  pool.writeUInt16BE(0x7000 | counter, at + 6);
  pool[at + 8] = 0x80 | ((pool[at + 8] ?? 0) & 0x3f);
  return at;
}

/** A UUIDv7 as text. */
export function uuidv7(nowMs: number): string {
  const at = nextUuid(nowMs);
  const h = pool.toString("hex", at, at + 16);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

/** A UUIDv7 as 16 bytes of its own: an index of them grows at its end, where one of random keys is written all over. */
export function uuidv7Bytes(nowMs: number): Uint8Array {
  const at = nextUuid(nowMs);
  return Uint8Array.prototype.slice.call(pool, at, at + 16);
}

/** 32 hexadecimal digits: a trace id of W3C Trace Context. */
export function newTraceId(): string {
  const at = random(16);
  return pool.toString("hex", at, at + 16);
}

const scratch = Buffer.allocUnsafeSlow(16);

/** A trace id by its 16 bytes, in words that V8 keeps in place. As text it costs 140 ns to make and 90 to send, and few are ever read. */
export class TraceId {
  private readonly first: number;
  private readonly second: number;
  private readonly third: number;
  private readonly fourth: number;

  constructor(bytes: Buffer, at: number) {
    this.first = bytes.readInt32LE(at);
    this.second = bytes.readInt32LE(at + 4);
    this.third = bytes.readInt32LE(at + 8);
    this.fourth = bytes.readInt32LE(at + 12);
  }

  static random(): TraceId {
    return new TraceId(pool, random(16));
  }

  /** Of 32 hexadecimal digits. */
  static of(text: string): TraceId {
    scratch.fill(0).write(text, "hex");
    return new TraceId(scratch, 0);
  }

  write(bytes: Buffer, at: number): void {
    bytes.writeInt32LE(this.first, at);
    bytes.writeInt32LE(this.second, at + 4);
    bytes.writeInt32LE(this.third, at + 8);
    bytes.writeInt32LE(this.fourth, at + 12);
  }

  toString(): string {
    this.write(scratch, 0);
    return scratch.toString("hex");
  }
}

/** 16 hexadecimal digits: a span id of W3C Trace Context. */
export function newSpanId(): string {
  const at = random(8);
  return pool.toString("hex", at, at + 8);
}

/** The first `bytes` of SHA-256 over the parts, each followed by a zero byte, so that ("ab", "c") is not ("a", "bc"). */
export function digest(bytes: number, ...parts: readonly string[]): Uint8Array {
  // In one call: 1.8 us where a Hash object fed part by part takes 2.6.
  return hash("sha256", parts.map((part) => `${part}\0`).join(""), "buffer").subarray(0, bytes);
}

/** JSON with sorted keys: equal values give equal text, whatever order a client wrote their fields in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(inOrder(value));
}

/** The value that JSON has of it, its keys sorted. Copied first and then written by the engine: half the time that a replacer takes. */
function inOrder(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(inOrder);
  if ("toJSON" in value && typeof value.toJSON === "function") return inOrder(value.toJSON());
  const sorted: Record<string, unknown> = {};
  for (const key of sortedInPlace(Object.keys(value))) {
    const child = inOrder((value as Record<string, unknown>)[key]);
    if (key !== "__proto__") sorted[key] = child;
    else Object.defineProperty(sorted, key, { value: child, enumerable: true });
  }
  return sorted;
}

/** By insertion, since objects have few keys: canonicalJson takes 0.8 us of a transfer in place of 1.3 (measured, minima). */
function sortedInPlace(keys: string[]): string[] {
  if (keys.length > 12) return keys.sort();
  for (let next = 1; next < keys.length; next++) {
    const key = keys[next] as string;
    let place = next;
    for (; place > 0 && (keys[place - 1] as string) > key; place--) keys[place] = keys[place - 1] as string;
    keys[place] = key;
  }
  return keys;
}
