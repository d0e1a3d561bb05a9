import type { BatchWriter } from "../frame/batch.ts";
import { frameType } from "../frame/frame.ts";
import { brokenFlag, type FlowName, flowKey } from "./flow-name.ts";

/** What a flow needs of the link that it leaves by. */
export interface FlowOutLink {
  readonly writer: BatchWriter;
  /** More is queued, or not read by the peer, than should be. */
  readonly isCongested: boolean;
  chunkSent(bytes: number): void;
  readonly flowsOut: Map<number, FlowOut>;
}

/** How much at a time: of one chunk, and until the first grant, which is twice as much at least. */
export interface FlowPace {
  readonly chunkBytes: number;
  readonly creditBytes: number;
}

interface Waiting {
  readonly bytes: Uint8Array;
  at: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Bytes on their way out, in chunks, as far as the reader has granted: only credit bounds what lies in both kernels' buffers, and so
 * how long a small call waits behind a stream.
 *
 * F1 `sentBytes` never exceeds `grantedBytes`; both grow only.
 * F2 Chunks leave in the order of the writes; the end leaves once, behind the last of them.
 * F3 A chunk waits until it may leave whole: half of what may be under way is granted at a time, and no chunk is larger.
 * F4 A flow is in its link's table until its end has left or it has failed.
 */
export class FlowOut {
  /** Resolves when the end has left; rejects when the flow fails before. */
  readonly finished: Promise<void>;
  private readonly link: FlowOutLink;
  private readonly name: FlowName;
  private readonly chunkBytes: number;
  private grantedBytes: number;
  private sentBytes = 0;
  private readonly waiting: Waiting[] = [];
  private isEnding = false;
  private failure: Error | null = null;
  private readonly settle: Pick<Waiting, "resolve" | "reject">;

  constructor(link: FlowOutLink, name: FlowName, { chunkBytes, creditBytes }: FlowPace) {
    this.link = link;
    this.name = name;
    this.chunkBytes = chunkBytes;
    this.grantedBytes = creditBytes;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // whoever does not wait for it has the answer of the call
    this.finished = promise;
    this.settle = { resolve, reject };
    link.flowsOut.set(flowKey(name), this);
  }

  /** Resolves when all of it has left; until then the bytes are not to change. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.isEnding) return Promise.reject(new Error("written after the end of the stream"));
    return new Promise((resolve, reject) => {
      this.waiting.push({ bytes, at: 0, resolve, reject });
      this.pump();
    });
  }

  end(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.pump();
  }

  /** By the reader, as the sum since the start, modulo 2^32: a grant that arrives twice grants nothing twice. */
  granted(totalBytes: number): void {
    const moreBytes = (totalBytes - this.grantedBytes) | 0;
    if (moreBytes <= 0) return;
    this.grantedBytes += moreBytes;
    this.pump();
  }

  /** Sends what may be sent now. */
  pump(): void {
    while (this.failure === null && !this.link.isCongested) {
      const [first] = this.waiting;
      if (first === undefined) {
        if (this.isEnding) this.leave();
        return;
      }
      const bytes = Math.min(this.chunkBytes, first.bytes.length - first.at);
      if (bytes > this.grantedBytes - this.sentBytes) return;
      if (bytes > 0) this.sendChunk(first, bytes);
      if (first.at < first.bytes.length) continue;
      this.waiting.shift();
      first.resolve();
    }
  }

  /** Nothing more leaves. With `isTold`, the reader learns that there was more. */
  fail(reason: Error, isTold = false): void {
    if (this.failure !== null) return;
    this.failure = reason;
    this.link.flowsOut.delete(flowKey(this.name));
    if (isTold) this.writeEnd(brokenFlag);
    for (const { reject } of this.waiting.splice(0)) reject(reason);
    this.settle.reject(reason);
  }

  private sendChunk(from: Waiting, bytes: number): void {
    const { writer } = this.link;
    writer.begin(frameType.chunk, this.name.kind, this.name.call);
    writer.reserve(4 + bytes);
    writer.u32(this.sentBytes);
    writer.buffer.set(from.bytes.subarray(from.at, from.at + bytes), writer.at);
    writer.at += bytes;
    writer.end();
    from.at += bytes;
    this.sentBytes += bytes;
    this.link.chunkSent(bytes);
  }

  private leave(): void {
    this.link.flowsOut.delete(flowKey(this.name));
    this.failure = new Error("written after the end of the stream");
    this.writeEnd(0);
    this.settle.resolve();
  }

  private writeEnd(flags: number): void {
    const { writer } = this.link;
    writer.begin(frameType.end, this.name.kind | flags, this.name.call);
    writer.reserve(4);
    writer.u32(this.sentBytes);
    writer.end();
  }
}
