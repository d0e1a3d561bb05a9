import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outgoing } from "@banyan/kernel/bus";
import { expect, test } from "vitest";
import { createTcpBus } from "../src/index.ts";
import { startNodeBehindNetwork } from "./network.ts";
import { outcome, Recorder, startNode, tellUntilSent } from "./node.ts";

test("the first batch connects, and what follows arrives in order, both ways", async () => {
  const a = await startNode();
  const b = await startNode();
  const told = Promise.all(Array.from({ length: 1_000 }, (_, i) => a.tell(b, `${i} `)));
  await b.heard.until(() => b.heard.text().endsWith("999 "));
  expect(b.heard.text()).toBe(Array.from({ length: 1_000 }, (_, i) => `${i} `).join(""));
  expect(new Set(await told)).toEqual(new Set(["sent"]));
  await b.tell(a, "back");
  await a.heard.until(() => a.heard.text() === "back");
  expect(b.heard.nodes.get(a.id)).toEqual(a.ref);
});

test("two nodes that dial each other at once end with one connection, and lose nothing", async () => {
  for (let round = 0; round < 30; round++) {
    const a = await startNode();
    const b = await startNode();
    const told = [a.tell(b, "from a"), b.tell(a, "from b")];
    await a.heard.until(() => a.heard.text() === "from b");
    await b.heard.until(() => b.heard.text() === "from a");
    expect(await Promise.all(told)).toEqual(["sent", "sent"]);
    await Promise.all([a.tell(b, "!"), b.tell(a, "!")]);
    await a.heard.until(() => a.heard.text() === "from b!");
    await b.heard.until(() => b.heard.text() === "from a!");
    expect([a.heard.lostNodes, b.heard.lostNodes, a.heard.refusals, b.heard.refusals]).toEqual([[], [], [], []]);
    await Promise.all([a.bus.close({ deadlineMs: 100 }), b.bus.close({ deadlineMs: 100 })]);
  }
});

test("a connection that breaks is told as lost to both, and the next batch makes a new one", async () => {
  const a = await startNode();
  const { node: b, network } = await startNodeBehindNetwork();
  await a.tell(b, "one ");
  await b.heard.until(() => b.heard.text() === "one ");
  network.cut();
  await a.heard.until(() => a.heard.lostNodes.length === 1);
  await b.heard.until(() => b.heard.lostNodes.length === 1);
  await tellUntilSent(a, b, "two");
  await b.heard.until(() => b.heard.text() === "one two");
});

test("a node that nobody can reach fails what is for it at once, and is found when it is there again", async () => {
  const a = await startNode();
  const b = await startNode();
  await b.bus.close({ deadlineMs: 100 });
  const failures = await Promise.all([a.tell(b, "1"), a.tell(b, "2")]);
  expect(failures).toEqual([
    expect.objectContaining({ code: "bus.unavailable", retry: "yes" }),
    expect.objectContaining({ code: "bus.unavailable", retry: "yes" }),
  ]);
  const again = await startNode({ id: b.id, listen: b.ref.address });
  await tellUntilSent(a, b, "3");
  await again.heard.until(() => again.heard.text() === "3");
});

test("a process that was replaced at its address is not mistaken for the one before", async () => {
  const a = await startNode();
  const b = await startNode();
  await b.bus.close({ deadlineMs: 100 });
  const other = await startNode({ listen: b.ref.address });
  expect(await a.tell(b, "for b")).toMatchObject({ code: "bus.unavailable" });
  expect(a.heard.refusals).toEqual([{ reason: "stranger", detail: expect.stringContaining(b.id) }]);
  expect(other.heard.text()).toBe("");
});

test("a reader that does not read makes `send` answer false, and `writable` follows when it reads again", async () => {
  const a = await startNode();
  const { node: b, network } = await startNodeBehindNetwork();
  await a.tell(b, "first");
  network.pause();
  const megabyte = randomBytes(1_024 * 1_024);
  const outcomes: Promise<"sent" | Error>[] = [];
  let hasRoom = true;
  const send = (batch: Outgoing) => {
    hasRoom = a.bus.send(b.ref, batch);
  };
  while (hasRoom) outcomes.push(outcome(send, megabyte));
  outcomes.push(outcome((batch) => a.bus.send(b.ref, batch), megabyte));
  network.resume();
  await a.heard.until(() => a.heard.writables > 0);
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["sent"]));
  await b.heard.until(() => b.heard.bytes === outcomes.length * megabyte.length + "first".length);
});

test("what waits for a reader that never reads is bounded", async () => {
  const a = await startNode();
  const { node: b, network } = await startNodeBehindNetwork();
  await a.tell(b, "first");
  network.pause();
  const megabyte = Buffer.alloc(1_024 * 1_024);
  const outcomes = Array.from({ length: 64 }, () => outcome((batch) => a.bus.send(b.ref, batch), megabyte));
  expect(await Promise.race(outcomes.slice(40))).toBeInstanceOf(Error);
});

test("a forgotten node is neither heard nor reported, and may come again", async () => {
  const a = await startNode();
  const b = await startNode();
  await a.tell(b, "one ");
  await b.heard.until(() => b.heard.text() === "one ");
  a.bus.forget(b.ref);
  await b.heard.until(() => b.heard.lostNodes.length === 1);
  expect(a.heard.lostNodes).toEqual([]);
  await b.tell(a, "again");
  await a.heard.until(() => a.heard.text() === "again");
});

test("closing sends what was taken, refuses what comes after, and can be asked twice", async () => {
  const a = await startNode();
  const b = await startNode();
  await a.tell(b, "first");
  const last = outcome((batch) => a.bus.send(b.ref, batch), Buffer.alloc(1_024 * 1_024));
  await Promise.all([a.bus.close({ deadlineMs: 5_000 }), a.bus.close({ deadlineMs: 5_000 })]);
  expect(await last).toBe("sent");
  await b.heard.until(() => b.heard.lostNodes.length === 1);
  expect(b.heard.bytes).toBe(1_024 * 1_024 + "first".length);
  expect(await a.tell(b, "late")).toMatchObject({ code: "bus.unavailable" });
});

test("a closed bus dials nobody, not even whom it was about to try again", async () => {
  const a = await startNode();
  const gone = await startNode();
  await gone.bus.close({ deadlineMs: 100 });
  await a.tell(gone, "one");
  await a.bus.close({ deadlineMs: 100 });
  expect(await a.tell(gone, "two")).toMatchObject({ cause: { message: "the bus is not open" } });
});

test("a unix socket serves nodes of one machine, and what a killed process left of it is no hindrance", async () => {
  const listen = `unix:${join(tmpdir(), `banyan-bus-${process.pid}.sock`)}`;
  const a = await startNode();
  const b = await startNode({ listen });
  expect(b.ref.address).toBe(listen);
  await a.tell(b, "over a file");
  await b.heard.until(() => b.heard.text() === "over a file");
  await expect(startNode({ listen })).rejects.toMatchObject({ code: "bus.unavailable" });
});

test("a taken port is `bus.unavailable`, and an address that is none is refused before anything opens", async () => {
  const a = await startNode();
  await expect(startNode({ listen: a.ref.address })).rejects.toMatchObject({ code: "bus.unavailable" });
  await expect(startNode({ listen: "4100" })).rejects.toThrow('"4100" is no address');
});

test("a node that listens nowhere can call, and is answered over its own connection", async () => {
  const a = await startNode();
  const quiet = createTcpBus();
  const heard = new Recorder();
  await quiet.open({ id: "quiet", receiver: heard, signal: AbortSignal.timeout(1_000) });
  await outcome((batch) => quiet.send(a.ref, batch), Buffer.from("hello"));
  await a.heard.until(() => a.heard.text() === "hello");
  await a.tell({ ref: { id: "quiet", address: "" } }, "answer");
  await heard.until(() => heard.text() === "answer");
  await quiet.close({ deadlineMs: 100 });
  await a.heard.until(() => a.heard.lostNodes.length === 1);
  expect(await a.tell({ ref: { id: "quiet", address: "" } }, "gone")).toMatchObject({ code: "bus.unavailable" });
});
