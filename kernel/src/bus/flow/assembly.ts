import { FlowIn, type FlowInLink, type FlowSink } from "./flow-in.ts";
import type { FlowName } from "./flow-name.ts";

/** How large a payload may become. */
export interface AssemblyLimits {
  readonly creditBytes: number;
  readonly payloadBytesMax: number;
}

/** A payload that is put together from its chunks. It grants at once: what bounds it is its size. */
export class Assembly implements FlowSink {
  private bytes: Buffer = Buffer.alloc(0);
  private length = 0;
  private readonly flow: FlowIn;
  private readonly payloadBytesMax: number;
  private readonly done: (result: Buffer | Error) => void;

  /** `done` gets the whole payload, or why there will be none; a RangeError where it is too large. */
  constructor(
    link: FlowInLink,
    name: FlowName,
    { limits, done }: { readonly limits: AssemblyLimits; readonly done: (result: Buffer | Error) => void },
  ) {
    this.payloadBytesMax = limits.payloadBytesMax;
    this.done = done;
    this.flow = new FlowIn(link, name, { creditBytes: limits.creditBytes, sink: this });
  }

  take(bytes: Buffer): void {
    const wantedBytes = this.length + bytes.length;
    if (wantedBytes > this.payloadBytesMax) {
      this.flow.fail(new RangeError(`a payload of more than ${this.payloadBytesMax} bytes`));
      return;
    }
    if (wantedBytes > this.bytes.length) this.grow(wantedBytes);
    bytes.copy(this.bytes, this.length);
    this.length = wantedBytes;
    this.flow.taken(bytes.length);
  }

  ended(): void {
    this.done(this.bytes.subarray(0, this.length));
  }

  failed(reason: Error): void {
    this.bytes = Buffer.alloc(0);
    this.done(reason);
  }

  private grow(wantedBytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.min(this.payloadBytesMax, Math.max(wantedBytes, this.bytes.length * 2)));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
