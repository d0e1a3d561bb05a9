import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testBatches } from "../../../tools/test-bus/batches.ts";
import { TestNode } from "../../../tools/test-bus/node.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRedisBus, type RedisBus, type RedisBusOptions } from "../src/index.ts";

describeWithServer("redis", "the bus over Redis", (url) => {
  const namespace = `test-${randomBytes(4).toString("hex")}`;
  let nodes: TestNode<RedisBus>[] = [];
  let stranger: Redis;

  const create = (options: Partial<RedisBusOptions> = {}) => createRedisBus({ url, namespace, ...options });
  const open = async (bus = create()) => {
    const node = await TestNode.open(bus);
    nodes.push(node);
    return node;
  };

  /** Whatever the nodes asked of the server before has happened there. */
  const settle = () => Promise.all(nodes.map(({ bus }) => bus.unwrap().ping()));

  beforeEach(() => {
    stranger = new Redis(url);
  });
  afterEach(async () => {
    await Promise.all(nodes.map(({ bus }) => bus.close({ deadlineMs: 1_000 })));
    nodes = [];
    stranger.disconnect();
  });

  test("a batch reaches its node, with the sender's name, in the order of sending, whatever its bytes", async () => {
    const [a, b] = [await open(), await open()];
    const texts = Array.from({ length: 1_000 }, (_, i) => `\r\n$5\r\n ä\0 ${i}`);
    const said = await Promise.all(texts.map((text) => a.send(b.ref, text)));
    await b.until(() => b.heard.length === texts.length);
    expect(b.heard).toEqual(texts.map((text) => ({ from: a.id, text })));
    expect(new Set(said)).toEqual(new Set(["sent"]));
  });

  test("a batch that nobody hears has failed", async () => {
    const a = await open();
    expect(await a.send({ id: "nobody", address: "" }, "hello")).toMatchObject({
      code: "bus.unavailable",
      retry: "yes",
    });
    expect(a.losses).toEqual([]);
  });

  test("there are no groups, and the traits say so", async () => {
    const a = await open();
    expect(a.bus.traits.groups).toBe(false);
    expect(() => a.bus.join("ledger")).toThrow("no groups");
  });

  test("a topic reaches every subscriber there is, until it unsubscribes", async () => {
    const [a, b, c] = [await open(), await open(), await open()];
    const heard: string[] = [];
    const note = (who: string) => (from: { id: string }, message: Uint8Array) => {
      heard.push(`${who} from ${from.id === a.id ? "a" : "?"}: ${Buffer.from(message)}`);
      a.emit("changed");
    };
    b.bus.subscribe("topic", note("b"));
    const leave = [c.bus.subscribe("topic", note("c")), c.bus.subscribe("topic", note("c too"))];
    c.bus.subscribe("other", note("other"));
    await settle();
    a.bus.publish("topic", Buffer.from("one"));
    await a.until(() => heard.length === 3);
    for (const end of leave) end();
    await settle();
    a.bus.publish("topic", Buffer.from("two"));
    await a.until(() => heard.length === 4);
    await settle();
    expect(heard.sort()).toEqual(["b from a: one", "b from a: two", "c from a: one", "c too from a: one"]);
  });

  test("strangers' messages are refused by reason, and nothing ends", async () => {
    const [a, b] = [await open(), await open()];
    const inbox = `${namespace}:node:${b.id}`;
    const from = (sender: string, content: Uint8Array) =>
      Buffer.concat([Buffer.of(sender.length), Buffer.from(sender), content]);
    await stranger.publish(inbox, "");
    await stranger.publish(inbox, Buffer.of(200, 65));
    await stranger.publish(inbox, from("no such node", Buffer.from("x")));
    await stranger.publish(inbox, from("stranger", Buffer.alloc(0)));
    await stranger.publish(inbox, from("stranger", Buffer.alloc(2_000_000)));
    await b.until(() => b.refusals.length === 5);
    expect(b.refusals).toEqual(["no_sender", "no_sender", "no_sender", "empty", "oversized"]);
    await a.send(b.ref, "still here");
    await b.until(() => b.heard.length === 1);
  });

  test("close sends what was taken", async () => {
    const [a, b] = [await open(), await open()];
    const said = Promise.all(Array.from({ length: 100 }, (_, i) => a.send(b.ref, `${i}`)));
    await a.bus.close({ deadlineMs: 1_000 });
    expect(new Set(await said)).toEqual(new Set(["sent"]));
    await b.until(() => b.heard.length === 100);
    expect(await b.send(a.ref, "too late")).toMatchObject({ code: "bus.unavailable" });
    expect(await a.send(b.ref, "closed")).toMatchObject({ code: "bus.unavailable" });
    expect(a.losses).toEqual([]);
    await a.bus.close({ deadlineMs: 1_000 });
  });

  testBatches<RedisBus>({ nowhere: "redis://127.0.0.1:1", create, open, settle });
});
