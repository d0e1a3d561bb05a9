import { expect, onTestFinished, test } from "vitest";
import type { Bus } from "../../src/bus/bus.ts";
import { Exchange, type ExchangeOptions } from "../../src/bus/exchange.ts";
import { FlowOut } from "../../src/bus/flow/flow-out.ts";
import { resumeFlows } from "../../src/bus/flow/flows.ts";
import { BatchPool, BatchWriter } from "../../src/bus/frame/batch.ts";
import { InProcessNetwork } from "../../src/bus/in-process.ts";
import { systemClock } from "../../src/call/clock.ts";
import { Scope } from "../../src/call/scope.ts";
import { systemIdentity } from "../../src/service/identity.ts";

test("many streams have no more under way than two", async () => {
  const network = new InProcessNetwork();
  const [bus, most] = counted(network.createBus());
  const caller = await open("caller", bus, async () => undefined);
  await open("callee", network.createBus(), async ({ stream }) => {
    const into = new Uint8Array(10_000);
    let bytes = 0;
    for (let more = await stream!.read(into); more > 0; more = await stream!.read(into)) bytes += more;
    return bytes;
  });
  const bulk = new Uint8Array(500_000);
  const upload = async (input: number) => {
    const scope = new Scope(systemClock, 10_000, "test.take");
    const call = { action: 0, name: "test.take", input, identity: systemIdentity, scope };
    const { stream, answer } = await caller.stream({ id: "callee", address: "" }, call);
    await stream.write(bulk);
    stream.end();
    return await answer;
  };
  const answers = await Promise.all(Array.from({ length: 20 }, (_, input) => upload(input)));
  expect(answers).toEqual(answers.map(() => bulk.length));
  expect(most()).toBeGreaterThan(200_000);
  expect(most()).toBeLessThan(300_000);
});

test("where there is little room, each flow has its turn", async () => {
  const pool = new BatchPool(1_000);
  let roomBytes = 0;
  const link = {
    writer: new BatchWriter(pool, { carry() {}, notCarried() {} }),
    flowsOut: new Map<number, FlowOut>(),
    get isCongested() {
      return roomBytes === 0;
    },
    chunkSent: (bytes: number) => {
      roomBytes -= bytes;
    },
  };
  const left: number[] = [];
  for (const call of [0, 1, 2]) {
    const flow = new FlowOut(link, { call, kind: 2 }, { chunkBytes: 100, creditBytes: 1_000 });
    for (let turn = 0; turn < 2; turn++) void flow.write(Buffer.alloc(100)).then(() => left.push(call));
  }
  for (let turn = 0; turn < 6; turn++) {
    roomBytes = 100;
    resumeFlows(link);
    await new Promise(setImmediate);
  }
  expect(left).toEqual([0, 1, 2, 0, 1, 2]);
});

/** Says how many bytes were under way at once. */
function counted(bus: Bus): [Bus, () => number] {
  let [now, most] = [0, 0];
  const send = bus.send.bind(bus);
  bus.send = (to, { frames, sent, failed }) => {
    now += frames.length;
    most = Math.max(most, now);
    const arrived = () => {
      now -= frames.length;
      sent();
    };
    return send(to, { frames, sent: arrived, failed });
  };
  return [bus, () => most];
}

async function open(id: string, bus: Bus, serve: ExchangeOptions["serve"]): Promise<Exchange> {
  const exchange = new Exchange({ bus, id, actions: ["test.take"], serve });
  onTestFinished(() => exchange.close({ deadlineMs: 100 }));
  await exchange.open(AbortSignal.timeout(1_000));
  return exchange;
}
