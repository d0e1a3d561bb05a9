import { systemClock, systemIdentity } from "@banyan/kernel/app";
import { Exchange, type ExchangeOptions, Scope } from "@banyan/kernel/bus";
import { expect, onTestFinished, test } from "vitest";
import { createTcpBus } from "../src/index.ts";

const MB = 1_000_000;

test("memory stays where it is, however much a stream moves to a reader that is slower", async () => {
  const rssMb: number[] = [];
  const callee = await openExchange("callee", async ({ stream }) => {
    const into = new Uint8Array(10_000);
    let bytes = 0;
    for (let more = await stream!.read(into); more > 0; more = await stream!.read(into)) {
      bytes += more;
      if (bytes > rssMb.length * 10 * MB) rssMb.push(process.memoryUsage.rss() / MB);
      await new Promise(setImmediate);
    }
    return bytes;
  });
  const caller = await openExchange("caller", async () => undefined);
  const scope = new Scope(systemClock, 60_000, "test.take");
  const call = { action: 0, name: "test.take", input: null, identity: systemIdentity, scope };
  const { stream, answer } = await caller.exchange.stream({ id: "callee", address: callee.address }, call);
  const bytes = new Uint8Array(20 * MB);
  for (let turn = 0; turn < 10; turn++) await stream.write(bytes);
  stream.end();
  expect(await answer).toBe(200 * MB);
  const warm = Math.max(...rssMb.splice(0, 5));
  expect(Math.max(...rssMb) - warm).toBeLessThan(40);
});

async function openExchange(id: string, serve: ExchangeOptions["serve"]) {
  const bus = createTcpBus({ listen: "127.0.0.1:0" });
  const exchange = new Exchange({ bus, id, actions: ["test.take"], serve });
  onTestFinished(() => exchange.close({ deadlineMs: 100 }));
  await exchange.open(AbortSignal.timeout(10_000));
  return { exchange, address: bus.address };
}
