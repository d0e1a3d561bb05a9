import { createApp } from "@banyan/kernel/app";
import { InProcessNetwork } from "@banyan/kernel/bus";
import { expect, onTestFinished, test } from "vitest";
import { createMetrics } from "../src/watch/metrics.ts";
import { shop, shopService } from "./shop.ts";

test("metrics tell how the nodes are that are called, and what was tried again", async () => {
  const network = new InProcessNetwork();
  const apps = [
    createApp({ services: [shopService], bus: network.createBus(), nodeName: "shop" }),
    createApp({ services: [], remotes: [shop], bus: network.createBus() }),
  ];
  for (const app of apps) await app.start();
  onTestFinished(async () => {
    for (const app of apps.reverse()) await app.stop({ deadlineMs: 100 });
  });
  const [, edge] = apps;
  if (edge === undefined) throw new Error("there is an edge");
  const metrics = createMetrics(edge, { connections: () => 0, gauges: [] });
  await edge.call(shop.user, { id: "1" });
  const [node = ""] = [...network.nodes.keys()].filter((id) => id.startsWith("shop"));
  const [caller = ""] = [...network.nodes.keys()].filter((id) => id !== node);
  const call = edge.call(shop.user, { id: "1" });
  network.interrupt(caller, node);
  await call;
  const text = await metrics.text();
  expect(text).toContain('banyan_nodes{state="up"} 1');
  expect(text).toContain('banyan_resilience_total{kind="retry",id="shop.user",what="bus.');
  expect(text).toContain('banyan_resilience_total{kind="node",id="",what="lost"} 1');
  metrics.close();
});
