import { utf8BytesMax, writeUtf8 } from "./text.ts";

/** Where a codec writes. */
export interface ByteSink {
  /** Another one after `reserve`: read it anew. */
  readonly buffer: Buffer;
  /** Where the next byte goes; who writes moves it on. */
  at: number;
  /** Makes room for so many bytes from `at`. */
  reserve(bytes: number): void;
}

/** One direction of one link: what was encoded is decoded in the same order, each once. */
export interface CodecSession {
  /** Writes one value. What it throws is the caller's mistake, such as a circular value. */
  encode(value: unknown, into: ByteSink): void;
  /** Whatever it throws means that the bytes are none of its own. It must not keep them. */
  decode(bytes: Buffer, start: number, end: number): unknown;
}

/**
 * How payloads become bytes. Every codec delivers what JSON would: `toJSON` is asked, fields that are undefined are left out,
 * NaN and infinities arrive as null, and a BigInt or a circle throws. So a service cannot tell codecs apart.
 */
export interface Codec {
  /** Letters, digits and "-"; by it two nodes agree at the hello. */
  readonly name: string;
  /** A session may learn as it goes, such as field names; a new one knows nothing. */
  open(): CodecSession;
}

const json: CodecSession = {
  encode(value, into) {
    const text = JSON.stringify(value);
    // What JSON has no text for, such as undefined, is a payload of no bytes.
    if (text === undefined) return;
    into.reserve(utf8BytesMax(text));
    into.at = writeUtf8(into.buffer, into.at, text);
  },
  decode: (bytes, start, end) => JSON.parse(bytes.toString("utf8", start, end)),
};

/** The codec that every node speaks. */
export const jsonCodec: Codec = { name: "json", open: () => json };
