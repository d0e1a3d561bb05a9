import type { Outgoing } from "../bus.ts";
import type { ByteSink } from "./codec.ts";
import { headerBytes, setU16, setU32 } from "./frame.ts";

/** How many buffers are kept for the next tick; a buffer made for each batch costs 1.6 us a call and doubles p99. */
const keptMax = 64;
const none = Buffer.alloc(0);

/** What batches of one exchange share: buffers, and one flush at the end of the tick. */
export class BatchPool {
  readonly batchBytes: number;
  private readonly free: Buffer[] = [];
  private readonly dirty: BatchWriter[] = [];
  private readonly flushAll = () => {
    // A flush can write more, such as a fault for what could not be sent.
    for (let writer = this.dirty.pop(); writer !== undefined; writer = this.dirty.pop()) writer.flush();
  };

  constructor(batchBytes: number) {
    this.batchBytes = batchBytes;
  }

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.batchBytes);
  }

  give(buffer: Buffer): void {
    if (buffer.length === this.batchBytes && this.free.length < keptMax) this.free.push(buffer);
  }

  /** Before the promises of this tick are done, more is written; `nextTick` comes after all of them. */
  schedule(writer: BatchWriter): void {
    if (this.dirty.push(writer) === 1) process.nextTick(this.flushAll);
  }
}

/** Takes full batches; answers nothing: what becomes of one, it hears by `sent` and `failed`. */
export interface BatchCarrier {
  carry(batch: Outgoing): void;
  /** The batch of this number was not sent. */
  notCarried(batch: number, reason: Error): void;
}

/** Frames on their way to one node, side by side in one buffer until the tick ends or the buffer is full. */
export class BatchWriter implements ByteSink {
  buffer: Buffer = none;
  at = 0;
  /** Grows with each batch, so that a call knows which one it left with. */
  number = 0;
  /** Handed to the bus and not sent yet. */
  queuedBytes = 0;
  private start = 0;
  private isScheduled = false;
  private readonly pool: BatchPool;
  private readonly carrier: BatchCarrier;

  constructor(pool: BatchPool, carrier: BatchCarrier) {
    this.pool = pool;
    this.carrier = carrier;
  }

  /** Opens a frame. Whoever writes its fields reserves the room for them. */
  begin(type: number, flags: number, call: number): void {
    this.start = this.at;
    this.reserve(headerBytes);
    const { buffer, start } = this;
    buffer[start + 4] = type;
    buffer[start + 5] = flags;
    setU32(buffer, start + 6, call);
    this.at = start + headerBytes;
  }

  u8(value: number): void {
    this.buffer[this.at++] = value;
  }

  u16(value: number): void {
    setU16(this.buffer, this.at, value);
    this.at += 2;
  }

  u32(value: number): void {
    setU32(this.buffer, this.at, value);
    this.at += 4;
  }

  f64(value: number): void {
    this.at = this.buffer.writeDoubleLE(value, this.at);
  }

  /** What the open frame has come to. */
  get frameBytes(): number {
    return this.at - this.start;
  }

  /** Closes the frame; it goes at the end of the tick. */
  end(): void {
    setU32(this.buffer, this.start, this.at - this.start);
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.pool.schedule(this);
  }

  /** Takes the open frame back. */
  abandon(): void {
    this.at = this.start;
  }

  /** The open frame moves to the next buffer where this one ends; a frame larger than a buffer gets one of its own. */
  reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const { buffer, start } = this;
    const begunBytes = this.at - start;
    const neededBytes = begunBytes + bytes;
    const next = neededBytes <= this.pool.batchBytes ? this.pool.take() : Buffer.allocUnsafeSlow(neededBytes);
    buffer.copy(next, 0, start, this.at);
    this.hand(buffer, start);
    this.buffer = next;
    this.start = 0;
    this.at = begunBytes;
  }

  flush(): void {
    this.isScheduled = false;
    const { buffer, at } = this;
    this.buffer = none;
    this.at = 0;
    this.start = 0;
    this.hand(buffer, at);
  }

  /** What was not handed over is nobody's any more. */
  discard(): void {
    this.pool.give(this.buffer);
    this.buffer = none;
    this.at = 0;
    this.start = 0;
  }

  private hand(buffer: Buffer, bytes: number): void {
    if (bytes === 0) {
      this.pool.give(buffer);
      return;
    }
    const number = this.number++;
    this.queuedBytes += bytes;
    const done = () => {
      this.queuedBytes -= bytes;
      this.pool.give(buffer);
    };
    this.carrier.carry({
      frames: buffer.subarray(0, bytes),
      sent: done,
      failed: (reason) => {
        done();
        this.carrier.notCarried(number, reason);
      },
    });
  }
}
