import { expect, test } from "vitest";
import { Authority } from "./certificates.ts";
import { freePort } from "./network.ts";
import { startNode, type TestNode } from "./node.ts";

test("a topic is heard by its subscribers on every node, the publisher's own included, once each", async () => {
  const seeds = [await startNode(), await startNode()];
  const nodes = await startTwo(seeds);
  for (const { bus, heard } of [...seeds, ...nodes]) bus.subscribe("news", heard.listen);
  await heardByAll([...seeds, ...nodes], nodes[0], { text: "first" });
  for (let i = 0; i < 50; i++) nodes[0].bus.publish("news", Buffer.from(`${i}`));
  await Promise.all([...seeds, ...nodes].map(({ heard }) => heard.until(() => heard.topicTexts.at(-1)?.text === "49")));
  for (const { heard } of nodes) {
    const numbers = heard.topicTexts.filter(({ text }) => text !== "first");
    expect(numbers.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
    expect(numbers[0]?.from).toEqual(nodes[0].ref);
  }
});

test("what nobody subscribed to, or no longer does, is not heard", async () => {
  const seed = await startNode();
  const [a, b] = await startTwo([seed]);
  const leave = b.bus.subscribe("news", b.heard.listen);
  b.bus.subscribe("other", b.heard.listen);
  await heardByAll([b], a, { text: "first" });
  leave();
  await heardByAll([b], a, { text: "second", topic: "other" });
  a.bus.publish("news", Buffer.from("unheard"));
  await heardByAll([b], a, { text: "third", topic: "other" });
  expect(new Set(b.heard.topicTexts.map(({ text }) => text))).toEqual(new Set(["first", "second", "third"]));
});

test("a seed that restarts hears the subscriptions anew, and while one seed of two is away nothing is missed", async () => {
  const addresses = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const start = (listen: string | undefined) =>
    startNode({ seeds: addresses, ...(listen !== undefined && { listen }) });
  const first = await start(addresses[0]);
  const second = await start(addresses[1]);
  const [a, b] = [await start(undefined), await start(undefined)];
  b.bus.subscribe("news", b.heard.listen);
  await heardByAll([b], a, { text: "with both" });
  await first.bus.close({ deadlineMs: 100 });
  await heardByAll([b], a, { text: "with one" });
  const again = await start(addresses[0]);
  await second.bus.close({ deadlineMs: 100 });
  await heardByAll([b], a, { text: "with the one that restarted" });
  expect(again.heard.refusals).toEqual([]);
});

test("nodes start before their seed, and meet when it is there", async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const a = await startNode({ seeds: [listen] });
  const b = await startNode({ seeds: [listen] });
  b.bus.subscribe("news", b.heard.listen);
  await startNode({ listen, seeds: [listen] });
  await heardByAll([b], a, { text: "at last" });
});

test("a seed says of a publisher what its certificate says, whatever the publisher claims", async () => {
  const authority = new Authority("Banyan test");
  const seed = await startNode({ tls: authority.files(["gateway"]) });
  const a = await startNode({ tls: authority.files(["ledger"]), seeds: [seed.bus.address] });
  const b = await startNode({ tls: authority.files(["fx"]), seeds: [seed.bus.address] });
  b.bus.subscribe("news", b.heard.listen);
  await heardByAll([b], a, { text: "first" });
  expect(b.heard.topicTexts[0]?.from).toEqual({ ...a.ref, services: ["ledger"] });
});

test("a message that is too large for a topic is the publisher's mistake", async () => {
  const a = await startNode();
  expect(() => a.bus.publish("news", Buffer.alloc(256 * 1_024 + 1))).toThrow(RangeError);
});

async function startTwo(seeds: readonly TestNode[]): Promise<readonly [TestNode, TestNode]> {
  const addresses = seeds.map(({ bus }) => bus.address);
  return [await startNode({ seeds: addresses }), await startNode({ seeds: addresses })];
}

interface Message {
  readonly text: string;
  readonly topic?: string;
}

/** A subscription is on its way for a moment, and what is published meanwhile is not heard: publish until it is. */
async function heardByAll(nodes: readonly TestNode[], from: TestNode, { text, topic = "news" }: Message) {
  const publish = setInterval(() => from.bus.publish(topic, Buffer.from(text)), 5);
  await Promise.all(nodes.map(({ heard }) => heard.until(() => heard.topicTexts.some((one) => one.text === text))));
  clearInterval(publish);
}
