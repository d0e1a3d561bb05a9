import { ByteQueue } from "./byte-queue.ts";
import { FlowIn, type FlowInLink, type FlowSink } from "./flow-in.ts";
import { type FlowName, flowKind } from "./flow-name.ts";
import { FlowOut, type FlowOutLink, type FlowPace } from "./flow-out.ts";

/** One end of a pair of streams that belong to a call: bytes to the other side, and bytes from it. */
export interface ByteStream {
  /**
   * What the other side writes, in order, in pieces of any size, to be read once; each is the reader's to keep. It ends where the
   * other side ended it, and throws where it was broken off, whatever had come and was not read. Reading is what lets the other
   * side write more.
   */
  readonly received: AsyncIterable<Uint8Array>;
  /**
   * The same into memory of the reader's own: waits until there is something, and answers how many bytes it put at the beginning of
   * `into`; 0 where the other side ended. It leaves no garbage, so it moves twice as much as `received`. One reader at a time.
   */
  read(into: Uint8Array): Promise<number>;
  /** Resolves when all of it is on its way, which is when the other side has read most of what came before. Until then the bytes are not to change. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more will be written. Idempotent. */
  end(): void;
}

/** Both flows of one end. */
export class StreamEnd implements ByteStream, FlowSink {
  readonly received: AsyncIterable<Uint8Array>;
  readonly outgoing: FlowOut;
  private readonly incoming: FlowIn;
  private readonly waiting: ByteQueue;
  private over: { readonly failure: Error | null } | null = null;
  private wake: (() => void) | null = null;

  constructor(link: FlowInLink & FlowOutLink, call: number, { side, pace, creditBytes }: StreamOptions) {
    const [to, from] =
      side === "caller"
        ? [flowKind.callerStream, flowKind.calleeStream]
        : [flowKind.calleeStream, flowKind.callerStream];
    const [outName, inName]: [FlowName, FlowName] = [
      { call, kind: to },
      { call, kind: from },
    ];
    this.outgoing = new FlowOut(link, outName, pace);
    this.incoming = new FlowIn(link, inName, { creditBytes, sink: this });
    this.waiting = new ByteQueue(link.pool);
    this.received = { [Symbol.asyncIterator]: () => this.pieces() };
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.outgoing.write(bytes);
  }

  end(): void {
    this.outgoing.end();
  }

  take(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.wake?.();
  }

  ended(): void {
    this.over = { failure: null };
    this.wake?.();
  }

  failed(failure: Error): void {
    this.over = { failure };
    this.waiting.clear();
    this.wake?.();
  }

  async read(into: Uint8Array): Promise<number> {
    if (into.length === 0) throw new RangeError("nothing fits into no bytes");
    if (this.waiting.length === 0) await this.arrival();
    return this.move(into);
  }

  private async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.waiting.length === 0) await this.arrival();
      if (this.waiting.length === 0) return;
      const piece = Buffer.allocUnsafeSlow(Math.min(this.waiting.length, pieceBytesMax));
      this.move(piece);
      yield piece;
    }
  }

  private move(into: Uint8Array): number {
    const bytes = this.waiting.moveTo(into);
    this.incoming.taken(bytes);
    return bytes;
  }

  /** Until there is something to read, or the other side has ended. */
  private async arrival(): Promise<void> {
    if (this.wake !== null) throw new Error("a stream has one reader at a time");
    if (this.over === null) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = null;
    }
    if (this.over?.failure) throw this.over.failure;
  }
}

/** Larger ones are no quicker: the pages that a large buffer leaves are given back to the system and taken again. */
const pieceBytesMax = 16_384;

/** Which end of the call it is, and how much may be under way in each direction. */
export interface StreamOptions {
  readonly side: "caller" | "callee";
  readonly pace: FlowPace;
  readonly creditBytes: number;
}
