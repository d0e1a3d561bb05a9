import type { BatchWriter } from "./batch.ts";
import { type Frame, frameType, RefusedFrame, u32 } from "./frame.ts";

/** "BNYN", then the version of this layout: what speaks another is refused, not guessed at. */
const magic = 0x4e_59_4e_42;
const version = 1;
/** A hello, a chunk and a fault must fit. */
const frameBytesMin = 1_024;
const fixedBytes = 4 + 1 + 4 + 8 + 8 + 4 + 4 + 1;

/** How two nodes begin. Each says one; whoever had not heard the other's when it spoke says it again. */
export interface Hello {
  /** Of the one who speaks, another for each link between the two, never 0. */
  readonly link: number;
  /** The link of the other as it is known to the one who speaks; 0: not heard yet. */
  readonly heard: number;
  /** Its monotonic clock, in milliseconds. */
  readonly time: number;
  /** The `time` of the hello that is answered; -1 where none was heard. */
  readonly echo: number;
  /** The largest frame that it takes. */
  readonly frameBytesMax: number;
  /** How many bytes of each stream it takes before it has granted more. */
  readonly creditBytes: number;
  /** By name, the best first. Each side encodes by the first of its own that the other has; "json" is in every list. */
  readonly codecs: readonly string[];
}

/**
 * | bytes | field behind the header |
 * | --- | --- |
 * | 4 + 1 | magic, version |
 * | 4 | heard |
 * | 8 + 8 | time, echo |
 * | 4 + 4 | frameBytesMax, creditBytes |
 * | 1 + n | codecs, joined by "," |
 */
export function writeHello(writer: BatchWriter, hello: Hello): void {
  const names = hello.codecs.join(",");
  writer.begin(frameType.hello, 0, hello.link);
  writer.reserve(fixedBytes + names.length);
  writer.u32(magic);
  writer.u8(version);
  writer.u32(hello.heard);
  writer.f64(hello.time);
  writer.f64(hello.echo);
  writer.u32(hello.frameBytesMax);
  writer.u32(hello.creditBytes);
  writer.u8(names.length);
  writer.at += writer.buffer.write(names, writer.at, "latin1");
  writer.end();
}

/** Throws `RefusedFrame`. */
export function readHello({ bytes, bodyAt, end, call }: Frame): Hello {
  const at = bodyAt;
  if (end - at < fixedBytes || u32(bytes, at) !== magic || bytes[at + 4] !== version) throw new RefusedFrame("foreign");
  const names = at + fixedBytes;
  const hello = {
    link: call,
    heard: u32(bytes, at + 5),
    time: bytes.readDoubleLE(at + 9),
    echo: bytes.readDoubleLE(at + 17),
    frameBytesMax: u32(bytes, at + 25),
    creditBytes: u32(bytes, at + 29),
    codecs: bytes.toString("latin1", names, end).split(","),
  };
  const isSound = names + bytes[names - 1]! === end && hello.link !== 0 && hello.frameBytesMax >= frameBytesMin;
  if (!isSound || !Number.isFinite(hello.time) || !Number.isFinite(hello.echo)) throw new RefusedFrame("malformed");
  return hello;
}
