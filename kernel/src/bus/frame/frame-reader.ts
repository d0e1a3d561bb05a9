import { Frame, headerBytes, RefusedFrame, u32 } from "./frame.ts";

/** Is shown each frame; answers whether to go on. */
export type FrameVisitor = (frame: Frame) => boolean;

/**
 * Cuts what arrives into frames. Where bytes come as a stream, a frame that is cut in two is put together in a buffer of its own, which
 * never grows beyond the largest frame that was agreed; all others are read where they lie.
 *
 * Invariant: `part` holds `partBytes` < the length of the frame that they begin, or fewer than 4 bytes.
 */
export class FrameReader {
  private readonly frameBytesMax: number;
  private readonly keepsBatches: boolean;
  private readonly frame = new Frame();
  private part: Buffer = Buffer.alloc(0);
  private partBytes = 0;

  constructor(frameBytesMax: number, keepsBatches: boolean) {
    this.frameBytesMax = frameBytesMax;
    this.keepsBatches = keepsBatches;
  }

  /** Throws `RefusedFrame` where the bytes cannot be frames; nothing behind them can be found any more. */
  read(bytes: Buffer, visit: FrameVisitor): void {
    let at = this.partBytes === 0 ? 0 : this.completed(bytes, visit);
    if (at < 0) return;
    const { length } = bytes;
    while (length - at >= 4) {
      const end = at + this.lengthAt(bytes, at);
      if (end > length) break;
      this.frame.moveTo(bytes, at, end);
      if (!visit(this.frame)) return;
      at = end;
    }
    if (at < length) this.keep(bytes, at);
  }

  /** Fills the frame that was cut. Answers how many bytes of `bytes` it took, or -1 where there is nothing more to read. */
  private completed(bytes: Buffer, visit: FrameVisitor): number {
    let taken = 0;
    if (this.partBytes < 4) {
      taken = this.fill(bytes, 0, 4);
      if (this.partBytes < 4) return -1;
    }
    const frameBytes = this.lengthAt(this.part, 0);
    taken = this.fill(bytes, taken, frameBytes);
    if (this.partBytes < frameBytes) return -1;
    this.partBytes = 0;
    this.frame.moveTo(this.part, 0, frameBytes);
    return visit(this.frame) ? taken : -1;
  }

  private fill(bytes: Buffer, from: number, wantedBytes: number): number {
    const to = Math.min(bytes.length, from + wantedBytes - this.partBytes);
    this.ensure(wantedBytes);
    bytes.copy(this.part, this.partBytes, from, to);
    this.partBytes += to - from;
    return to;
  }

  private keep(bytes: Buffer, at: number): void {
    if (this.keepsBatches) throw new RefusedFrame("truncated");
    this.partBytes = 0;
    this.fill(bytes, at, bytes.length - at);
  }

  private ensure(wantedBytes: number): void {
    if (this.part.length >= wantedBytes) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(wantedBytes, Math.min(this.part.length * 2, this.frameBytesMax)));
    this.part.copy(grown, 0, 0, this.partBytes);
    this.part = grown;
  }

  private lengthAt(bytes: Buffer, at: number): number {
    const length = u32(bytes, at);
    if (length < headerBytes) throw new RefusedFrame("malformed");
    if (length > this.frameBytesMax) throw new RefusedFrame("oversized");
    return length;
  }
}
