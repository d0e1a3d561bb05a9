import type { BatchPool, BatchWriter } from "../frame/batch.ts";
import { type Frame, frameType, RefusedFrame, u32 } from "../frame/frame.ts";
import { brokenFlag, type FlowName, flowKey } from "./flow-name.ts";

/** What a flow needs of the link that it comes by. */
export interface FlowInLink {
  readonly writer: BatchWriter;
  readonly pool: BatchPool;
  readonly flowsIn: Map<number, FlowIn>;
}

/** Who takes what a flow brings. */
export interface FlowSink {
  /** The bytes are to be copied. */
  take(bytes: Buffer): void;
  ended(): void;
  failed(reason: Error): void;
}

/**
 * Bytes that come in chunks. What was granted is `creditBytes` more than what its reader has taken.
 *
 * F5 A chunk is taken where the last one ended; one from before it came twice and is skipped; a gap or more than was granted ends
 *    the link.
 * F6 The sink hears of one end or one failure, and nothing behind it.
 */
export class FlowIn {
  private readonly link: FlowInLink;
  private readonly name: FlowName;
  private readonly creditBytes: number;
  private readonly sink: FlowSink;
  private receivedBytes = 0;
  private takenBytes = 0;
  private grantedBytes: number;
  private isOver = false;

  constructor(
    link: FlowInLink,
    name: FlowName,
    { creditBytes, sink }: { readonly creditBytes: number; readonly sink: FlowSink },
  ) {
    this.link = link;
    this.name = name;
    this.creditBytes = creditBytes;
    this.grantedBytes = creditBytes;
    this.sink = sink;
    link.flowsIn.set(flowKey(name), this);
  }

  chunk({ bytes, bodyAt, end }: Frame): void {
    const at = bodyAt + 4;
    const ahead = this.aheadBy(u32(bytes, bodyAt));
    if (ahead < 0) return;
    if (ahead > 0) throw new RefusedFrame("unexpected");
    if (this.receivedBytes + end - at > this.grantedBytes) throw new RefusedFrame("oversized");
    this.receivedBytes += end - at;
    this.sink.take(bytes.subarray(at, end));
  }

  end({ bytes, bodyAt, flags }: Frame): void {
    if ((flags & brokenFlag) !== 0) this.fail(new Error("the other side broke the stream off"));
    else if (this.aheadBy(u32(bytes, bodyAt)) !== 0) throw new RefusedFrame("unexpected");
    else if (this.close()) this.sink.ended();
  }

  /** The reader has done with so many bytes more. A grant is worth a frame when it is half of what may be under way. */
  taken(bytes: number): void {
    this.takenBytes += bytes;
    const grantedBytes = this.takenBytes + this.creditBytes;
    if (this.isOver || grantedBytes - this.grantedBytes < this.creditBytes / 2) return;
    this.grantedBytes = grantedBytes;
    const { writer } = this.link;
    writer.begin(frameType.credit, this.name.kind, this.name.call);
    writer.reserve(4);
    writer.u32(grantedBytes);
    writer.end();
  }

  fail(reason: Error): void {
    if (this.close()) this.sink.failed(reason);
  }

  private aheadBy(offset: number): number {
    return (offset - this.receivedBytes) | 0;
  }

  private close(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.link.flowsIn.delete(flowKey(this.name));
    return true;
  }
}
