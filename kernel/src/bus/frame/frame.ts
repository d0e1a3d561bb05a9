/**
 * What all frames begin with, little-endian; docs/bus/README.md has the rest of each type.
 *
 * | bytes | field |
 * | --- | --- |
 * | 4 | length of the whole frame, these four included |
 * | 1 | type |
 * | 1 | flags |
 * | 4 | call: the caller's name for it; of a hello, the number of the link |
 */
export const headerBytes = 10;

/** The types of frames. */
export const frameType = {
  hello: 1,
  request: 2,
  reply: 3,
  fault: 4,
  cancel: 5,
  oneWay: 6,
  chunk: 7,
  credit: 8,
  end: 9,
  ping: 10,
  pong: 11,
  goodbye: 12,
} as const;

/** What follows the header of a request, and how the payload of any frame is to be read. */
export const flag = {
  /** 25 bytes of W3C Trace Context: trace id, span id, flags. */
  trace: 1,
  /** An idempotency key: 2 + n bytes. */
  key: 2,
  /** The key of an instanced contract: 2 + n bytes. */
  instance: 4,
  /** Text by name, as JSON: 2 + n bytes. */
  metadata: 8,
  /** The payload is not here; it follows in chunks. */
  chunked: 16,
  /** The sender's codec has forgotten what it had learnt on this link; begin anew before this payload. */
  restart: 32,
  /** Chunks follow in both directions beside the call. */
  stream: 64,
  /** To a member of a group: the action is given by its name, 2 + n bytes, and the payload is JSON. */
  named: 128,
} as const;

/** What a reply says of the answer, in the place of a request's fields. */
export const replyFlag = {
  /** It was given before, under the same idempotency key. */
  replayed: 1,
  /** It came from the query's cache. */
  cached: 2,
} as const;

/** Why something that arrived was not taken. */
export type Refusal =
  /** Lengths that contradict each other, a type that does not exist, text that is none. */
  | "malformed"
  /** A batch that ends within a frame. */
  | "truncated"
  /** More bytes than were agreed. */
  | "oversized"
  /** Not this protocol, or another version of it. */
  | "foreign"
  /** A frame that has no place here: before the hello, or about a call that the peer has no part in. */
  | "unexpected"
  /** A payload that the codec does not read. */
  | "undecodable"
  /** More than this process takes of one peer. */
  | "overloaded";

/** Thrown where a frame is read; what the link does about it is its own business. */
export class RefusedFrame extends Error {
  readonly reason: Refusal;

  constructor(reason: Refusal, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/** A frame where it lies in what arrived: one object, moved from frame to frame. Nothing of it may be kept. */
export class Frame {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  /** Behind its last byte. */
  end = 0;
  type = 0;
  flags = 0;
  call = 0;

  /** The caller has checked that the bytes are there. */
  moveTo(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.type = bytes[start + 4]!;
    this.flags = bytes[start + 5]!;
    this.call = u32(bytes, start + 6);
  }

  /** Behind the header. */
  get bodyAt(): number {
    return this.start + headerBytes;
  }

  get bodyBytes(): number {
    return this.end - this.start - headerBytes;
  }

  expectBody(bytes: number): void {
    if (this.bodyBytes !== bytes) throw new RefusedFrame("malformed");
  }
}

/** Bytes beyond the end read as zero: who reads checks lengths first. */
export function u16(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function u32(bytes: Buffer, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function setU16(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function setU32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
