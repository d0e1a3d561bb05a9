import type { ByteSink, Codec, CodecSession } from "./frame/codec.ts";
import { flag, RefusedFrame } from "./frame/frame.ts";

/**
 * The payloads of one direction of one link that are encoded here. What was encoded and does not leave takes with it what the codec
 * learnt by it; `restart` says so to the other side with the next payload.
 */
export class PayloadEncoder {
  private readonly codec: Codec;
  private session: CodecSession;
  private flags = 0;

  constructor(codec: Codec) {
    this.codec = codec;
    this.session = codec.open();
  }

  /** The flag for the frame that is begun now. */
  begin(): number {
    const { flags } = this;
    this.flags = 0;
    return flags;
  }

  encode(value: unknown, into: ByteSink): void {
    if (value !== undefined) this.session.encode(value, into);
  }

  restart(): void {
    this.session = this.codec.open();
    this.flags = flag.restart;
  }

  /** Bytes that need nothing of what was learnt before, and teach nothing. */
  encodeApart(value: unknown, into: ByteSink): void {
    this.codec.open().encode(value, into);
  }
}

/** The other end of a `PayloadEncoder`. No bytes are `undefined`. */
export class PayloadDecoder {
  private readonly codec: Codec;
  private session: CodecSession;

  constructor(codec: Codec) {
    this.codec = codec;
    this.session = codec.open();
  }

  /** Throws `RefusedFrame`: what comes behind it cannot be trusted either. */
  decode(
    bytes: Buffer,
    { at, end, flags }: { readonly at: number; readonly end: number; readonly flags: number },
  ): unknown {
    if ((flags & flag.restart) !== 0) this.session = this.codec.open();
    return decoded(this.session, bytes, { at, end });
  }

  decodeApart(bytes: Buffer): unknown {
    return decoded(this.codec.open(), bytes, { at: 0, end: bytes.length });
  }
}

function decoded(
  session: CodecSession,
  bytes: Buffer,
  { at, end }: { readonly at: number; readonly end: number },
): unknown {
  if (at === end) return undefined;
  try {
    return session.decode(bytes, at, end);
  } catch (error) {
    throw new RefusedFrame("undecodable", error);
  }
}
