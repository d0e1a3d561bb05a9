import { createHash } from "node:crypto";
import { kernelFaults } from "@banyan/kernel";
import { type ByteStream, defaultLimits, type Incoming } from "@banyan/kernel/bus";
import { expect, test } from "vitest";
import { eventually, type Probe } from "./probe.ts";

/** Bytes that differ from place to place, so that what is lost, doubled or swapped shows. */
function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) * 17 + seed) & 0xff;
  return bytes;
}

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function read({ received }: ByteStream): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of received) hash.update(piece);
  return hash.digest("hex");
}

/** Writes in pieces that no chunk is as large as. */
async function write(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 50_001) await stream.write(bytes.subarray(at, at + 50_001));
  stream.end();
}

const streamOf = ({ stream }: Incoming): ByteStream => {
  if (stream === undefined) throw new Error("a stream was expected");
  return stream;
};

const text = (length: number) => Array.from({ length: length / 10 }, (_, turn) => `${turn}`.padStart(10, "ü")).join("");

export function flowClauses(probe: () => Probe): void {
  test("F1 inputs and answers larger than a frame arrive whole, beside small ones", async () => {
    const [caller, callee] = await probe().pair();
    const large = [text(100_000), text(1_000_000), text(70_000)];
    const inputs = [...large, "small", { list: large }, null];
    expect(await Promise.all(inputs.map((input) => caller.request(callee.ref, input)))).toEqual(inputs);
    await caller.exchange.tell(callee.ref, caller.call(large[1]));
    await eventually(() => expect(callee.came.at(-1)).toMatchObject({ input: large[1], isOneWay: true }));
  });

  test("F2 what is too large is refused where it is, and nothing else suffers", async () => {
    const limits = { payloadBytesMax: 100_000 };
    const caller = await probe().node(undefined, { limits });
    const callee = await probe().node(({ input }) => (input === "much" ? text(200_000) : input), { limits });
    const tooMuch = expect(caller.request(callee.ref, text(200_000))).rejects.toMatchObject({ code: "bus.tooLarge" });
    const tooLong = expect(caller.request(callee.ref, "much")).rejects.toMatchObject({ code: "kernel.internal" });
    expect(await caller.request(callee.ref, "little")).toBe("little");
    await Promise.all([tooMuch, tooLong]);
    expect(callee.came.map(({ input }) => input)).toEqual(["much", "little"]);
    const careless = await probe().node();
    const received = careless.request(callee.ref, text(200_000));
    await expect(received).rejects.toMatchObject({ code: "bus.tooLarge" });
  });

  test("F3 streams flow in both directions, and the answer comes behind them", async () => {
    const [there, back] = [pattern(2_000_000, 1), pattern(3_000_000, 2)];
    const [caller, callee] = await probe().pair(async (incoming) => {
      const stream = streamOf(incoming);
      const [seen] = await Promise.all([read(stream), write(stream, back)]);
      return seen;
    });
    const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call("go"));
    const [seen] = await Promise.all([read(stream), write(stream, there)]);
    expect(seen).toBe(digest(back));
    expect(await answer).toBe(digest(there));
  });

  test("F4 a reader that is slow holds its writer back, and nobody else", async () => {
    const gate = Promise.withResolvers<void>();
    const [caller, callee] = await probe().pair(async (incoming) => {
      if (incoming.stream === undefined) return incoming.input;
      await gate.promise;
      return read(incoming.stream);
    });
    const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call("go"));
    const bytes = pattern(1_000_000, 3);
    let writtenBytes = 0;
    const written = (async () => {
      for (let at = 0; at < bytes.length; at += 10_000) {
        await stream.write(bytes.subarray(at, at + 10_000));
        writtenBytes = at + 10_000;
      }
      stream.end();
    })();
    for (let turn = 0; turn < 100; turn++) await caller.request(callee.ref, turn);
    expect(writtenBytes).toBeGreaterThan(0);
    expect(writtenBytes).toBeLessThanOrEqual(defaultLimits.creditBytes);
    gate.resolve();
    await written;
    expect(await answer).toBe(digest(bytes));
  });

  test("F5 a cancellation breaks both streams off, on both sides", async () => {
    const seen: unknown[] = [];
    const [caller, callee] = await probe().pair(async (incoming) => {
      const stream = streamOf(incoming);
      await read(stream).catch((error: unknown) => seen.push(error));
      await stream.write(pattern(10, 4)).catch((error: unknown) => seen.push(error));
    });
    const scope = caller.scope();
    const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call("go", { scope }));
    await stream.write(pattern(1_000, 5));
    scope.end(kernelFaults.cancelled({ action: "probe.echo" }));
    const cancelled = { code: "kernel.cancelled" };
    await expect(answer).rejects.toMatchObject(cancelled);
    await expect(read(stream)).rejects.toMatchObject(cancelled);
    await expect(stream.write(pattern(10, 6))).rejects.toMatchObject(cancelled);
    await eventually(() => expect(seen).toMatchObject([cancelled, cancelled]));
    await eventually(() => expect(callee.exchange.counts.running).toBe(0));
  });

  test("F6 the answer ends the streams, whoever had more to say", async () => {
    const [caller, callee] = await probe().pair(async (incoming) => {
      await streamOf(incoming).write(pattern(100, 7));
      return "enough";
    });
    const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call("go"));
    expect(await answer).toBe("enough");
    expect(await read(stream)).toBe(digest(pattern(100, 7)));
    await expect(stream.write(pattern(10, 8))).rejects.toThrow("over");
  });

  test("F7 a fault breaks the streams off", async () => {
    const [caller, callee] = await probe().pair(() => {
      throw kernelFaults.forbidden({ action: "probe.echo", permission: "probe" });
    });
    const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call("go"));
    await expect(answer).rejects.toMatchObject({ code: "kernel.forbidden" });
    await expect(read(stream)).rejects.toMatchObject({ code: "kernel.forbidden" });
  });

  test("F8 when the way breaks, streams break off with it", async ({ skip }) => {
    const { fixture } = probe();
    if (fixture.interrupt === undefined) return skip("its ways cannot be broken from here");
    const seen: unknown[] = [];
    const [caller, callee] = await probe().pair((incoming) =>
      read(streamOf(incoming)).catch((error: unknown) => seen.push(error)),
    );
    const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call("go"));
    await eventually(() => expect(callee.came).toHaveLength(1));
    const lost = expect(answer).rejects.toMatchObject({ code: "bus.uncertain" });
    const broken = expect(read(stream)).rejects.toThrow();
    await fixture.interrupt(caller.ref, callee.ref);
    await Promise.all([lost, broken]);
    await eventually(() => expect(seen).toHaveLength(1));
  });

  test("F9 a stream is read into memory of the reader's own, or in pieces that are his to keep", async () => {
    const bytes = pattern(1_000_000, 9);
    const [caller, callee] = await probe().pair(async (incoming) => {
      const stream = streamOf(incoming);
      if (incoming.input === "pieces") {
        const kept = [];
        for await (const piece of stream.received) kept.push(piece);
        return digest(Buffer.concat(kept));
      }
      const [own, parts] = [new Uint8Array(7_001), createHash("sha256")];
      for (let more = await stream.read(own); more > 0; more = await stream.read(own))
        parts.update(own.subarray(0, more));
      return parts.digest("hex");
    });
    for (const how of ["pieces", "own"]) {
      const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call(how));
      await write(stream, bytes);
      expect([how, await answer]).toEqual([how, digest(bytes)]);
    }
  });

  test("F10 a stream has one reader at a time, and does not take no bytes for its end", async () => {
    const [caller, callee] = await probe().pair(async (incoming) => {
      const stream = streamOf(incoming);
      const first = stream.read(new Uint8Array(10));
      await expect(stream.read(new Uint8Array(10))).rejects.toThrow("one reader");
      await expect(stream.read(new Uint8Array(0))).rejects.toThrow(RangeError);
      return await first;
    });
    const { stream, answer } = await caller.exchange.stream(callee.ref, caller.call("go"));
    await eventually(() => expect(callee.came).toHaveLength(1));
    await stream.write(pattern(3, 10));
    expect(await answer).toBe(3);
  });

  test("L1 a node takes so many calls of one peer, and refuses the others at once", async () => {
    const gate = Promise.withResolvers<void>();
    const caller = await probe().node();
    const callee = await probe().node(() => gate.promise, { limits: { inFlightMax: 3 } });
    const asked = [1, 2, 3].map((turn) => caller.request(callee.ref, turn));
    const refused = caller.request(callee.ref, 4);
    await expect(refused).rejects.toMatchObject({ code: "kernel.overloaded", retry: "yes" });
    gate.resolve();
    await Promise.all(asked);
    await caller.request(callee.ref, 5);
  });

  test("L2 a node waits for so many answers, and sends no more calls", async () => {
    const gate = Promise.withResolvers<void>();
    const caller = await probe().node(undefined, { limits: { pendingMax: 2 } });
    const callee = await probe().node(() => gate.promise);
    const asked = [1, 2].map((turn) => caller.request(callee.ref, turn));
    await expect(caller.request(callee.ref, 3)).rejects.toMatchObject({ code: "kernel.overloaded", retry: "yes" });
    gate.resolve();
    await Promise.all(asked);
    await caller.request(callee.ref, 4);
  });

  test("L3 a node takes so many streams of one peer", async () => {
    const caller = await probe().node();
    const callee = await probe().node((incoming) => read(streamOf(incoming)), { limits: { streamsMax: 1 } });
    const first = await caller.exchange.stream(callee.ref, caller.call("one"));
    const second = await caller.exchange.stream(callee.ref, caller.call("two"));
    await expect(second.answer).rejects.toMatchObject({ code: "kernel.overloaded" });
    first.stream.end();
    await first.answer;
  });
}
