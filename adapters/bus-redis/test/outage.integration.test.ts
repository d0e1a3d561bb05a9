import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { TestNode } from "../../../tools/test-bus-node.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createRedisBus, type RedisBus } from "../src/index.ts";

describeWithOwnServer("redis", "the bus when Redis fails", (program) => {
  let folder: string;
  let server: OwnServer;
  let a: TestNode<RedisBus>;
  let b: TestNode<RedisBus>;

  const open = () =>
    TestNode.open(
      createRedisBus({
        url: `redis://127.0.0.1:${server.port}`,
        unconfirmedBytesMax: 1_000_000,
        pingMs: 200,
        engine: { retryStrategy: () => 50, disconnectTimeout: 200 },
      }),
    );

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "banyan-redis-"));
    const args = ["--save", "", "--bind", "127.0.0.1", "--dir", folder];
    const limits = ["--client-output-buffer-limit", "pubsub 1mb 1mb 1"];
    server = await OwnServer.start(program, (port) => [...args, ...limits, "--port", String(port)]);
    [a, b] = [await open(), await open()];
  });
  afterEach(async () => {
    server.resume();
    await Promise.all([a, b].map(({ bus }) => bus.close({ deadlineMs: 200 })));
    await server.kill();
    await rm(folder, { recursive: true });
  });

  test("killed under load: every node is lost, sending fails at once, and works again after a restart", async () => {
    const said = { sent: 0, failed: 0 };
    let sequence = 0;
    const load = setInterval(() => {
      for (let i = 0; i < 20; i++)
        void a.send(b.ref, `${sequence++}`).then((what) => said[what === "sent" ? "sent" : "failed"]++);
    }, 1);
    let topics = 0;
    b.bus.subscribe("topic", () => topics++);
    await b.until(() => b.heard.length > 500);
    await server.kill();
    await Promise.all([a.until(() => a.losses.length > 0), b.until(() => b.losses.length > 0)]);
    expect(await a.send(b.ref, "down")).toMatchObject({ code: "bus.unavailable", retry: "yes" });
    await server.restart();
    const before = b.heard.length;
    await b.until(() => b.heard.length > before + 500);
    clearInterval(load);
    expect(said.failed).toBeGreaterThan(0);
    expect([a.losses, b.losses]).toEqual([[b.id], [a.id]]);
    const order = b.heard.map(({ text }) => Number(text));
    expect(order).toEqual([...order].sort((x, y) => x - y));
    a.bus.publish("topic", Buffer.from("again"));
    await a.bus.unwrap().ping();
    await b.bus.unwrap().ping();
    expect(topics).toBe(1);
  });

  test("paused: sending is held back, not piled up; then the node is lost, and found again after a resume", async () => {
    await a.send(b.ref, "before");
    server.pause();
    const batch = new Uint8Array(100_000);
    let sends = 0;
    while (sends < 1_000 && a.bus.send(b.ref, { frames: batch, sent: () => {}, failed: () => {} })) sends++;
    expect(sends).toBeLessThan(12);
    await a.until(() => a.losses.length > 0);
    expect(await a.send(b.ref, "down")).toMatchObject({ code: "bus.unavailable" });
    server.resume();
    const again = setInterval(() => void a.send(b.ref, "after"), 20);
    await b.until(() => b.heard.some(({ text }) => text === "after"));
    clearInterval(again);
  });
});
