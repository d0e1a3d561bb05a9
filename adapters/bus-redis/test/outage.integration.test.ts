import { expect, test } from "vitest";
import { describeOutages } from "../../../tools/test-bus/outage.ts";
import { createRedisBus } from "../src/index.ts";

describeOutages(
  {
    server: "redis",
    title: "the bus when Redis fails",
    args: (folder, port) => {
      const limits = ["--client-output-buffer-limit", "pubsub 1mb 1mb 1"];
      return ["--save", "", "--bind", "127.0.0.1", "--dir", folder, ...limits, "--port", String(port)];
    },
    create: (port) =>
      createRedisBus({
        url: `redis://127.0.0.1:${port}`,
        unconfirmedBytesMax: 1_000_000,
        pingMs: 200,
        engine: { retryStrategy: () => 50, disconnectTimeout: 200 },
      }),
  },
  (outage) => {
    test("a topic that was subscribed to before a restart is heard after it, once", async () => {
      const { server, a, b } = outage();
      let heard = 0;
      b.bus.subscribe("topic", () => heard++);
      await a.send(b.ref, "known from now on");
      await server.kill();
      await a.until(() => a.losses.length > 0);
      await server.restart();
      const again = setInterval(() => void a.send(b.ref, "again"), 20);
      await b.until(() => b.heard.some(({ text }) => text === "again"));
      clearInterval(again);
      a.bus.publish("topic", Buffer.from("again"));
      await a.bus.unwrap().ping();
      await b.bus.unwrap().ping();
      expect(heard).toBe(1);
    });
  },
);
