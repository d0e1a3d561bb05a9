import type { BatchPool } from "../frame/batch.ts";

/**
 * Bytes that wait for their reader, in buffers of the pool, which come and go with the bytes: an empty queue holds none. Whoever
 * fills it bounds it.
 */
export class ByteQueue {
  length = 0;
  private readonly pool: BatchPool;
  private readonly buffers: Buffer[] = [];
  /** Within the first of the buffers, and within the last. */
  private readAt = 0;
  private writeAt = 0;

  constructor(pool: BatchPool) {
    this.pool = pool;
  }

  /** The bytes are copied. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      let last = this.buffers.at(-1);
      if (last === undefined || this.writeAt === last.length) {
        last = this.pool.take();
        this.buffers.push(last);
        this.writeAt = 0;
      }
      const copied = bytes.copy(last, this.writeAt, at);
      this.writeAt += copied;
      at += copied;
    }
    this.length += bytes.length;
  }

  /** Moves what there is, as far as it fits; answers how many bytes. */
  moveTo(into: Uint8Array): number {
    const bytes = Math.min(into.length, this.length);
    for (let at = 0; at < bytes; ) {
      const first = this.buffers[0]!;
      const copied = first.copy(into, at, this.readAt, Math.min(first.length, this.readAt + bytes - at));
      this.readAt += copied;
      at += copied;
      if (this.readAt === first.length) {
        this.pool.give(this.buffers.shift()!);
        this.readAt = 0;
      }
    }
    this.length -= bytes;
    if (this.length === 0) this.clear();
    return bytes;
  }

  clear(): void {
    for (const buffer of this.buffers.splice(0)) this.pool.give(buffer);
    this.length = 0;
    this.readAt = 0;
  }
}
