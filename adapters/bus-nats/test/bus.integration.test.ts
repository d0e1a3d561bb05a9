import { randomBytes } from "node:crypto";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testBatches } from "../../../tools/test-bus/batches.ts";
import { outcome, TestNode } from "../../../tools/test-bus/node.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createNatsBus, type NatsBus, type NatsBusOptions } from "../src/index.ts";

describeWithServer("nats", "the bus over NATS", (url) => {
  const namespace = `test-${randomBytes(4).toString("hex")}`;
  let nodes: TestNode<NatsBus>[] = [];
  let stranger: NatsConnection;

  const create = (options: Partial<NatsBusOptions> = {}) => createNatsBus({ url, namespace, ...options });
  const open = async (bus = create()) => {
    const node = await TestNode.open(bus);
    nodes.push(node);
    return node;
  };

  /** Whatever the nodes asked of the server before has happened there. */
  const settle = () => Promise.all(nodes.map(({ bus }) => bus.unwrap().flush()));

  beforeEach(async () => {
    stranger = await connect({ servers: url.replace("nats://", "") });
  });
  afterEach(async () => {
    await Promise.all(nodes.map(({ bus }) => bus.close({ deadlineMs: 1_000 })));
    nodes = [];
    await stranger.close();
  });

  test("a batch reaches its node, with the sender's name, in the order of sending", async () => {
    const [a, b] = [await open(), await open()];
    const texts = Array.from({ length: 1_000 }, (_, i) => `batch ${i}`);
    const said = await Promise.all(texts.map((text) => a.send(b.ref, text)));
    await b.until(() => b.heard.length === texts.length);
    expect(b.heard).toEqual(texts.map((text) => ({ from: a.id, text })));
    expect(new Set(said)).toEqual(new Set(["sent"]));
  });

  test("bytes may be reused as soon as they are sent", async () => {
    const [a, b] = [await open(), await open()];
    const buffer = Buffer.from("first");
    await outcome((batch) => void a.bus.send(b.ref, batch), buffer);
    buffer.fill("x");
    await b.until(() => b.heard.length === 1);
    expect(b.heard[0]?.text).toBe("first");
  });

  test("a node that is not there is lost at once", async () => {
    const a = await open();
    const began = performance.now();
    await a.send({ id: "nobody", address: "" }, "hello");
    await a.until(() => a.losses.length === 1);
    expect(a.losses).toEqual(["nobody"]);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  test("one member of a group hears a batch, and every member has its share", async () => {
    const [a, b, c] = [await open(), await open(), await open()];
    b.bus.join("ledger@1");
    c.bus.join("ledger@1");
    await settle();
    const said = await Promise.all(
      Array.from({ length: 200 }, (_, i) => outcome((batch) => void a.bus.sendToGroup("ledger@1", batch), `${i}`)),
    );
    expect(new Set(said)).toEqual(new Set(["sent"]));
    await settle();
    const numbers = [...b.heard, ...c.heard].map(({ text }) => Number(text)).sort((x, y) => x - y);
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(Math.min(b.heard.length, c.heard.length)).toBeGreaterThan(20);
  });

  test("a group without a member fails at once, and after its last has left too", async () => {
    const [a, b] = [await open(), await open()];
    const leave = b.bus.join("ledger");
    await settle();
    const toGroup = () => outcome((batch) => void a.bus.sendToGroup("ledger", batch), "hello");
    expect(await toGroup()).toBe("sent");
    leave();
    await settle();
    expect(await toGroup()).toMatchObject({ code: "bus.unavailable", retry: "yes" });
  });

  test("a topic reaches every subscriber there is, whatever its name, until it unsubscribes", async () => {
    const [a, b, c] = [await open(), await open(), await open()];
    const heard: string[] = [];
    const note = (who: string) => (from: { id: string }, message: Uint8Array) => {
      heard.push(`${who} from ${from.id === a.id ? "a" : "?"}: ${Buffer.from(message)}`);
      a.emit("changed");
    };
    const topic = "service. äöü > * %";
    b.bus.subscribe(topic, note("b"));
    const leave = c.bus.subscribe(topic, note("c"));
    c.bus.subscribe("service", note("other"));
    await settle();
    a.bus.publish(topic, Buffer.from("one"));
    await a.until(() => heard.length === 2);
    leave();
    await settle();
    a.bus.publish(topic, Buffer.from("two"));
    await a.until(() => heard.length === 3);
    await settle();
    expect(heard.sort()).toEqual(["b from a: one", "b from a: two", "c from a: one"]);
  });

  test("strangers' messages are refused by reason, and nothing ends", async () => {
    const [a, b] = [await open(), await open()];
    const big = new Uint8Array(900_000);
    const inbox = `${namespace}.node.${b.id}`;
    stranger.publish(`${inbox}.not~a~node`, "hello");
    stranger.publish(`${inbox}.stranger`, new Uint8Array(0));
    stranger.publish(`${inbox}.${"x".repeat(65)}`, "hello");
    stranger.publish(`${inbox}.stranger`, big);
    stranger.publish(`${namespace}.unheard.${b.id}.99`, "hello");
    stranger.publish(`${namespace}.unheard.${b.id}.nonsense`, big);
    await stranger.flush();
    await b.until(() => b.refusals.length === 3 && b.heard.length === 1);
    expect(b.refusals).toEqual(["no_sender", "empty", "no_sender"]);
    await a.send(b.ref, "still here");
    await b.until(() => b.heard.length === 2);
    expect(b.heard[1]).toEqual({ from: a.id, text: "still here" });
  });

  test("close sends what was taken", async () => {
    const [a, b] = [await open(), await open()];
    for (let i = 0; i < 100; i++) void a.send(b.ref, `${i}`);
    await a.bus.close({ deadlineMs: 1_000 });
    await b.until(() => b.heard.length === 100);
    await b.send(a.ref, "too late");
    await b.until(() => b.losses.length === 1);
    expect(await a.send(b.ref, "closed")).toMatchObject({ code: "bus.unavailable" });
    await a.bus.close({ deadlineMs: 1_000 });
  });

  testBatches<NatsBus>({ nowhere: "nats://127.0.0.1:1", create, open, settle });
});
