import { TraceId } from "../../call/ids.ts";
import { type Identity, systemIdentity } from "../../service/identity.ts";
import type { BatchWriter } from "./batch.ts";
import { type Frame, flag, RefusedFrame, u16, u32 } from "./frame.ts";
import { writeHex, writeUtf8 } from "./text.ts";

/** What travels with a call beside its input. */
export interface CallFields {
  readonly identity: Identity;
  readonly trace?: TraceId | undefined;
  /** 16 hexadecimal digits: the span that calls. */
  readonly parentSpanId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** The key of an instanced contract. */
  readonly instance?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** The fields of a request as they arrived. */
export interface ReceivedFields extends CallFields {
  /** Its number among the callee's actions; -1 where it is given by name. */
  readonly action: number;
  readonly name: string | undefined;
  /** On the caller's clock; see `PeerClock`. */
  readonly deadline: number;
  /** Where the payload begins. */
  readonly payloadAt: number;
}

const fixedBytes = 2 + 4;
const traceBytes = 16 + 8 + 1;
/** W3C Trace Context, section 3.2.2.5: the caller may have recorded it. */
const sampled = 1;
/** A string of UTF-16 needs at most three bytes of UTF-8 for each unit. */
const textBytesMax = 0xff_ff;

/** Which of the optional fields there are. */
export function fieldFlags(fields: CallFields): number {
  return (
    (fields.trace === undefined ? 0 : flag.trace) |
    (fields.idempotencyKey === undefined ? 0 : flag.key) |
    (fields.instance === undefined ? 0 : flag.instance) |
    (fields.metadata === undefined || isEmpty(fields.metadata) ? 0 : flag.metadata)
  );
}

/**
 * Writes what stands between the header and the payload. Throws a RangeError for a field of more than 65,535 bytes.
 *
 * | bytes | field |
 * | --- | --- |
 * | 2 | action |
 * | 4 | deadline on the caller's clock, milliseconds modulo 2^32 |
 * | 2 + n | identity, as JSON: subject, tenant, permissions |
 * | 25 | trace, if flagged |
 * | 2 + n each | idempotency key, instance, metadata, name, if flagged |
 */
export function writeFields(writer: BatchWriter, fields: CallFields, target: RequestTarget): void {
  const { flags } = target;
  writer.reserve(fixedBytes + traceBytes);
  writer.u16(target.action);
  writer.u32(target.deadline);
  writeBytes(writer, identityBytes(fields.identity));
  if ((flags & flag.trace) !== 0) {
    writer.reserve(traceBytes);
    fields.trace!.write(writer.buffer, writer.at);
    writer.at += 16;
    if (fields.parentSpanId === undefined) writer.f64(0);
    else writer.at = writeHex(writer.buffer, writer.at, { text: fields.parentSpanId, count: 8 });
    writer.u8(sampled);
  }
  if ((flags & flag.key) !== 0) writeText(writer, fields.idempotencyKey!);
  if ((flags & flag.instance) !== 0) writeText(writer, fields.instance!);
  if ((flags & flag.metadata) !== 0) writeText(writer, JSON.stringify(fields.metadata));
  if ((flags & flag.named) !== 0) writeText(writer, target.name);
}

/** Whom a request is for, and by when. */
export interface RequestTarget {
  readonly flags: number;
  readonly action: number;
  readonly name: string;
  readonly deadline: number;
}

/** Throws `RefusedFrame` where a field reaches beyond the frame or is not what it should be. */
export function readFields({ bytes, bodyAt, end, flags }: Frame): ReceivedFields {
  const cursor = new Cursor(bytes, bodyAt, end);
  const fixed = cursor.skip(fixedBytes);
  const identity = readIdentity(cursor);
  let trace: TraceId | undefined;
  let parentSpanId: string | undefined;
  if ((flags & flag.trace) !== 0) {
    const at = cursor.skip(traceBytes);
    trace = new TraceId(bytes, at);
    const isRecorded = (bytes.readInt32LE(at + 16) | bytes.readInt32LE(at + 20)) !== 0;
    if (isRecorded) parentSpanId = bytes.toString("hex", at + 16, at + 24);
  }
  const idempotencyKey = (flags & flag.key) === 0 ? undefined : cursor.text();
  const instance = (flags & flag.instance) === 0 ? undefined : cursor.text();
  const metadata = (flags & flag.metadata) === 0 ? undefined : metadataOf(cursor.text());
  const name = (flags & flag.named) === 0 ? undefined : cursor.text();
  return {
    action: name === undefined ? u16(bytes, fixed) : -1,
    name,
    deadline: u32(bytes, fixed + 2),
    identity,
    trace,
    parentSpanId,
    idempotencyKey,
    instance,
    metadata,
    payloadAt: cursor.at,
  };
}

/** Where the next field of a frame begins. */
class Cursor {
  at: number;
  private readonly bytes: Buffer;
  private readonly end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Whether the next field has exactly these bytes; then they are read. */
  takes(expected: Buffer): boolean {
    const { bytes, at } = this;
    const { length } = expected;
    if (at + 2 + length > this.end || u16(bytes, at) !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[at + 2 + i] !== expected[i]) return false;
    this.at += 2 + length;
    return true;
  }

  /** Answers where the field began. */
  skip(count: number): number {
    const began = this.at;
    this.at += count;
    if (this.at > this.end) throw new RefusedFrame("malformed");
    return began;
  }

  slice(): Buffer {
    const began = this.skip(2);
    const at = this.skip(u16(this.bytes, began));
    return this.bytes.subarray(at, this.at);
  }

  text(): string {
    const began = this.skip(2);
    const at = this.skip(u16(this.bytes, began));
    return this.bytes.toString("utf8", at, this.at);
  }
}

function writeText(writer: BatchWriter, text: string): void {
  const length = Buffer.byteLength(text);
  checkLength(length);
  writer.reserve(2 + length);
  writer.u16(length);
  writer.at = writeUtf8(writer.buffer, writer.at, text);
}

function writeBytes(writer: BatchWriter, bytes: Buffer): void {
  writer.reserve(2 + bytes.length);
  writer.u16(bytes.length);
  const { buffer, at } = writer;
  // A few bytes, one by one: the call of a copy costs more.
  for (let i = 0; i < bytes.length; i++) buffer[at + i] = bytes[i]!;
  writer.at = at + bytes.length;
}

function checkLength(length: number): void {
  if (length > textBytesMax) throw new RangeError(`a field of a call has ${length} bytes, more than ${textBytesMax}`);
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

function metadataOf(text: string): Readonly<Record<string, string>> {
  const value = parsed(text);
  if (value === null || typeof value !== "object" || !Object.values(value).every(isText)) {
    throw new RefusedFrame("malformed");
  }
  return value as Record<string, string>;
}

const isText = (value: unknown): value is string => typeof value === "string";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RefusedFrame("malformed", error);
  }
}

/** An identity is made once for each caller at the edge and then goes with every call, so its bytes are kept for as long as it is. */
const bytesOf = new WeakMap<Identity, Buffer>();

function identityBytes(identity: Identity): Buffer {
  let bytes = bytesOf.get(identity);
  if (bytes === undefined) {
    bytes = Buffer.from(JSON.stringify([identity.subject, identity.tenant, ...identity.permissions]));
    checkLength(bytes.length);
    bytesOf.set(identity, bytes);
  }
  return bytes;
}

/** The identities last seen, by their bytes, one character each: one of a thousand callers asks again more often than not. */
const identities = new Map<string, Identity>();
const identitiesMax = 1_000;
/** Of one caller's calls most come one behind the other: comparing a few bytes is quicker than looking for their text. */
let last: { readonly bytes: Buffer; readonly identity: Identity } = { bytes: Buffer.of(0), identity: systemIdentity };

function readIdentity(cursor: Cursor): Identity {
  if (cursor.takes(last.bytes)) return last.identity;
  const bytes = Buffer.from(cursor.slice());
  const identity = identityOf(bytes);
  last = { bytes, identity };
  return identity;
}

function identityOf(bytes: Buffer): Identity {
  const key = bytes.toString("latin1");
  let identity = identities.get(key);
  if (identity === undefined) {
    const parts = parsed(bytes.toString());
    if (!Array.isArray(parts) || parts.length < 2 || !parts.every(isText)) throw new RefusedFrame("malformed");
    const [subject, tenant, ...permissions] = parts as [string, string, ...string[]];
    identity = { subject, tenant, permissions: new Set(permissions) };
    if (identities.size >= identitiesMax) identities.clear();
    identities.set(key, identity);
  }
  return identity;
}
