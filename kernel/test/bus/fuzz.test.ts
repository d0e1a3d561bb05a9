import { systemClock, systemIdentity } from "@banyan/kernel/app";
import {
  type Bus,
  type BusReceiver,
  Exchange,
  InProcessNetwork,
  type NodeRef,
  Scope,
  TraceId,
} from "@banyan/kernel/bus";
import { expect, test, vi } from "vitest";
import { frameType } from "../../src/bus/frame/frame.ts";

// biome-ignore lint/style/noProcessEnv: as the fault tests do, the gate tries the whole million, and the rest of us wait for less.
const frameCount = process.env.BANYAN_FAULTS === "full" ? 1_000_000 : 40_000;

/** mulberry32 (Tommy Ettinger). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const call = (input: unknown) => ({
  action: 0,
  name: "probe.echo",
  input,
  identity: systemIdentity,
  scope: new Scope(systemClock, 60_000, "probe"),
});

type Conversation = Record<"caller" | "callee", Buffer[]>;

/** Every batch that two nodes say to each other in a conversation that has all types of frames, by who says it. */
async function conversation(): Promise<Conversation> {
  const said: Conversation = { caller: [], callee: [] };
  const network = new InProcessNetwork();
  const open = async (id: keyof Conversation) => {
    const bus = network.createBus();
    const { send } = bus;
    bus.send = (to, batch) => {
      said[id].push(Buffer.from(batch.frames));
      return send.call(bus, to, batch);
    };
    const exchange = new Exchange({ bus, id, actions: ["probe.echo"], serve, report: () => {} });
    await exchange.open(AbortSignal.timeout(1_000));
    return exchange;
  };
  const serve: ConstructorParameters<typeof Exchange>[0]["serve"] = async ({ input, stream }) => {
    if (input === "fail") throw new Error("as it was told");
    if (input === "hang") return new Promise(() => {});
    for await (const piece of stream?.received ?? []) await stream?.write(piece);
    return input;
  };
  const [caller, callee] = [await open("caller"), await open("callee")];
  const to = { id: "callee", address: "" };
  const trace = { trace: TraceId.of("0af7651916cd43dd8448eb211c80319c"), parentSpanId: "b7ad6b7169203331" };
  await caller.request(to, { ...call({ a: 1 }), ...trace, idempotencyKey: "k", instance: "i", metadata: { m: "x" } });
  await caller.request(to, call("fail")).catch(() => {});
  await caller.tell(to, call("one way"));
  await caller.request(to, call("ü".repeat(100_000)));
  const { stream, answer } = await caller.stream(to, call("stream"));
  await stream.write(new Uint8Array(50_000));
  stream.end();
  for await (const _ of stream.received);
  await answer;
  caller.ping(to);
  const hanging = call("hang");
  const hung = caller.request(to, hanging).catch(() => {});
  await caller.request(to, call(1));
  hanging.scope.end(new Error("cancelled"));
  await hung;
  await caller.request(to, call(2));
  await Promise.all([caller.close({ deadlineMs: 10 }), callee.close({ deadlineMs: 10 })]);
  return said;
}

function typesOf(batch: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < batch.length; at += batch.readUInt32LE(at)) types.push(batch[at + 4] as number);
  return types;
}

/** The node under attack, and the wire to it. */
async function victim(keepsBatches: boolean) {
  let receiver: BusReceiver | undefined;
  const forgotten = new Set<string>();
  const sent: Buffer[] = [];
  const bus: Bus = {
    traits: { path: "direct", batchBytesMax: 1_048_576, keepsBatches, groups: false },
    address: "",
    open: async (options) => {
      receiver = options.receiver;
    },
    send: ({ id }, batch) => {
      if (id === "honest") sent.push(Buffer.from(batch.frames));
      batch.sent();
      return true;
    },
    sendToGroup: () => true,
    join: () => () => {},
    publish: () => {},
    subscribe: () => () => {},
    forget: ({ id }) => forgotten.add(id),
    close: async () => {},
  };
  const reported: unknown[] = [];
  const exchange = new Exchange({
    bus,
    id: "victim",
    actions: ["probe.echo"],
    serve: async ({ input, stream }) => {
      for await (const _ of stream?.received ?? []);
      return input;
    },
    report: (error) => reported.push(error),
  });
  await exchange.open(AbortSignal.timeout(1_000));
  const typesSent = () => sent.flatMap(typesOf);
  return { exchange, receiver: receiver as BusReceiver, forgotten, reported, typesSent };
}

const foreign = [
  "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  'CONNECT {"verbose":false}\r\nPING\r\n',
  "*1\r\n$4\r\nPING\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
].map((text) => Buffer.from(text, "latin1"));

/** Something like `original`: bytes changed, cut off, added, or of another protocol altogether. */
function mutated(original: Buffer, random: () => number): Buffer {
  const below = (count: number) => Math.floor(random() * count);
  const bytes = Buffer.from(original.subarray(0, 2_000));
  const kind = below(8);
  if (kind === 0) return bytes.subarray(0, below(bytes.length));
  if (kind === 1) return Buffer.from(Array.from({ length: below(64) }, () => below(256)));
  if (kind === 2) return foreign[below(foreign.length)] as Buffer;
  if (kind === 3) return Buffer.concat([bytes, bytes.subarray(below(bytes.length))]);
  // The first bytes are where lengths, types and flags are.
  const reach = kind < 6 ? Math.min(bytes.length, 40) : bytes.length;
  for (let changes = 1 + below(4); changes > 0; changes--) bytes[below(reach)] = random() < 0.5 ? below(256) : below(4);
  return bytes;
}

test.each([true, false])(
  "bad frames are counted and harm nobody (batches kept: %s)",
  async (keepsBatches) => {
    const seed = 20_261_121;
    const random = randomOf(seed);
    const said = await conversation();
    const [hello] = said.caller;
    const batches = [...said.caller, ...said.callee];
    const { exchange, receiver, forgotten, reported, typesSent } = await victim(keepsBatches);
    let peer: NodeRef = { id: "peer-0", address: "" };
    let links = 0;
    for (let sent = 0; sent < frameCount / 2; sent++) {
      if (links === 0 || forgotten.has(peer.id)) {
        forgotten.clear();
        peer = { id: `peer-${links++}`, address: "" };
        if (random() < 0.8) receiver.received(peer, hello as Buffer);
        if (random() < 0.1) exchange.request(peer, call({ pending: true })).catch(() => {});
      }
      receiver.received(peer, mutated(batches[Math.floor(random() * batches.length)] as Buffer, random));
      if (random() < 0.01) {
        receiver.lost(peer, new Error("enough of it"));
        forgotten.add(peer.id);
      }
      if (sent % 1_000 === 0) await new Promise(setImmediate);
    }
    receiver.lost(peer, new Error("enough of it"));
    await new Promise(setImmediate);
    const { refused, running, pending } = exchange.counts;
    expect(reported).toEqual([]);
    for (const reason of ["malformed", "oversized", "foreign", "unexpected", "undecodable"]) {
      expect(refused[reason], `${reason} of seed ${seed}`).toBeGreaterThan(frameCount / 10_000);
    }
    expect([running, pending]).toEqual([0, 0]);

    const honest = { id: "honest", address: "" };
    for (const batch of said.caller.slice(0, 2)) receiver.received(honest, batch);
    await vi.waitFor(() => expect(typesSent()).toContain(frameType.reply));
  },
  300_000,
);
