import { FlowIn, type FlowInLink, type FlowSink } from "./flow-in.ts";
import { type FlowName, flowKind } from "./flow-name.ts";
import { FlowOut, type FlowOutLink, type FlowPace } from "./flow-out.ts";

/** One end of a pair of streams that belong to a call: bytes to the other side, and bytes from it. */
export interface ByteStream {
  /**
   * What the other side writes, in order, in pieces of any size, to be read once. It ends where the other side ended it, and
   * throws where it was broken off. Reading is what lets the other side write more.
   */
  readonly received: AsyncIterable<Uint8Array>;
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
  private readonly pieces: Buffer[] = [];
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
    this.received = { [Symbol.asyncIterator]: () => this.read() };
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.outgoing.write(bytes);
  }

  end(): void {
    this.outgoing.end();
  }

  take(bytes: Buffer): void {
    this.pieces.push(Buffer.from(bytes));
    this.wake?.();
  }

  ended(): void {
    this.over = { failure: null };
    this.wake?.();
  }

  failed(failure: Error): void {
    this.over = { failure };
    this.wake?.();
  }

  private async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const piece = this.pieces.shift();
      if (piece !== undefined) {
        yield piece;
        this.incoming.taken(piece.length);
      } else if (this.over !== null) {
        if (this.over.failure !== null) throw this.over.failure;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }
}

/** Which end of the call it is, and how much may be under way in each direction. */
export interface StreamOptions {
  readonly side: "caller" | "callee";
  readonly pace: FlowPace;
  readonly creditBytes: number;
}
