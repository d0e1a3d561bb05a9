import type { BatchWriter } from "../frame/batch.ts";
import type { ByteSink, Codec, CodecSession } from "../frame/codec.ts";
import { flag, RefusedFrame } from "../frame/frame.ts";

/**
 * The payloads of one direction of one link that are encoded here. What was encoded and does not leave takes with it what the codec
 * learnt by it; `restart` says so to the other side with the next payload.
 */
export class PayloadEncoder {
  private readonly codec: Codec;
  private session: CodecSession;
  /** For the frame that is begun next. */
  flags = 0;

  constructor(codec: Codec) {
    this.codec = codec;
    this.session = codec.open();
  }

  /**
   * Writes the payload of the open frame and closes it. A frame that comes to more than `frameBytesMax` is taken back, and its
   * payload answered, encoded apart from all others, for it arrives when later ones have been read. So is the frame of a value
   * that the codec throws at.
   */
  close(
    writer: BatchWriter,
    { value, frameBytesMax }: { readonly value: unknown; readonly frameBytesMax: number },
  ): Buffer | null {
    try {
      this.flags = 0;
      if (value !== undefined) this.session.encode(value, writer);
      if (writer.frameBytes <= frameBytesMax) {
        writer.end();
        return null;
      }
    } catch (error) {
      this.abandon(writer);
      throw error;
    }
    this.abandon(writer);
    const apart = new GrowingSink();
    this.codec.open().encode(value, apart);
    return apart.buffer.subarray(0, apart.at);
  }

  private abandon(writer: BatchWriter): void {
    writer.abandon();
    this.session = this.codec.open();
    this.flags = flag.restart;
  }
}

/** The other end of a `PayloadEncoder`. A payload of no bytes is `undefined`. */
export class PayloadDecoder {
  private readonly codec: Codec;
  private session: CodecSession;

  constructor(codec: Codec) {
    this.codec = codec;
    this.session = codec.open();
  }

  /** Throws `RefusedFrame`: what comes behind it cannot be trusted either. */
  decode(bytes: Buffer, at: number, { flags, end }: { readonly flags: number; readonly end: number }): unknown {
    if ((flags & flag.restart) !== 0) this.session = this.codec.open();
    return decoded(this.session, bytes, { at, end });
  }

  /** What came in chunks. */
  decodeApart(bytes: Buffer): unknown {
    return decoded(this.codec.open(), bytes, { at: 0, end: bytes.length });
  }
}

function decoded(session: CodecSession, bytes: Buffer, { at, end }: { at: number; end: number }): unknown {
  if (at === end) return undefined;
  try {
    return session.decode(bytes, at, end);
  } catch (error) {
    throw new RefusedFrame("undecodable", error);
  }
}

class GrowingSink implements ByteSink {
  buffer: Buffer = Buffer.allocUnsafeSlow(65_536);
  at = 0;

  reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.at + bytes, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }
}
