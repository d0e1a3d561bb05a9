import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteQueue } from "../../src/bus/flow/byte-queue.ts";
import { StreamEnd } from "../../src/bus/flow/byte-stream.ts";
import { BatchPool, BatchWriter } from "../../src/bus/frame/batch.ts";

const bufferBytes = 64;

test("bytes leave a queue as they came, however they are cut", () => {
  const steps = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 200 })), { maxLength: 50 });
  fc.assert(
    fc.property(steps, (cuts) => {
      const queue = new ByteQueue(new BatchPool(bufferBytes));
      const came: number[] = [];
      const left: number[] = [];
      for (const [pushed, moved] of cuts) {
        const bytes = Buffer.from(Array.from({ length: pushed }, (_, at) => (came.length + at) & 0xff));
        queue.push(bytes);
        came.push(...bytes);
        const into = new Uint8Array(moved);
        left.push(...into.subarray(0, queue.moveTo(into)));
        expect(queue.length).toBe(came.length - left.length);
      }
      const rest = new Uint8Array(queue.length);
      queue.moveTo(rest);
      expect([...left, ...rest]).toEqual(came);
    }),
  );
});

test("an empty queue holds nothing of the pool", () => {
  const { pool, areBack } = poolOf(3);
  const queue = new ByteQueue(pool);
  queue.push(Buffer.alloc(150));
  expect(queue.length).toBe(150);
  queue.moveTo(new Uint8Array(200));
  expect(areBack()).toBe(true);
});

test("a stream that is broken off gives back at once what nobody has read", async () => {
  const { pool, areBack } = poolOf(4);
  const writer = new BatchWriter(pool, { carry() {}, notCarried() {} });
  const link = { pool, writer, isCongested: false, chunkSent() {}, flowsIn: new Map(), flowsOut: new Map() };
  const pace = { chunkBytes: 100, creditBytes: 200 };
  const end = new StreamEnd(link, 1, { side: "callee", pace, creditBytes: 200 });
  end.take(Buffer.alloc(200));
  end.failed(new Error("cancelled"));
  expect(areBack()).toBe(true);
  await expect(end.read(new Uint8Array(1))).rejects.toThrow("cancelled");
});

/** A pool that has so many buffers, each to be known again. */
function poolOf(count: number) {
  const pool = new BatchPool(bufferBytes);
  const buffers: Buffer[] = Array.from({ length: count }, (_, at) => Buffer.alloc(bufferBytes, at));
  for (const buffer of buffers) pool.give(buffer);
  return { pool, areBack: () => buffers.every(() => buffers.includes(pool.take())) };
}
