import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { raw, serve } from "../serving.ts";

const limits = { headersTimeoutMs: 300, requestTimeoutMs: 600, unreadTimeoutMs: 500 };

describe("a client that is slow on purpose is cut", () => {
  test("while it sends headers, one at a time", async () => {
    const { port } = await serve({ limits });
    const { text, tookMs } = await drip(port, "GET /users/1 HTTP/1.1\r\nhost: a\r\n", "x: y\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain("gateway.requestTimeout");
    expect(tookMs).toBeLessThan(1_500);
  });

  test("while it sends a body, one byte at a time", async () => {
    const { port } = await serve({ limits });
    const head = "POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    const { text, tookMs } = await drip(port, head, "[");
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(tookMs).toBeLessThan(2_000);
  });

  test("while it leaves its answer unread", async () => {
    const { port } = await serve({ limits });
    const socket = opened(port).pause();
    socket.write("GET /big?bytes=30000000 HTTP/1.1\r\nhost: a\r\n\r\n");
    await expect.poll(() => othersOf(port), { timeout: 4_000 }).toBe(1);
    await expect.poll(() => othersOf(port), { timeout: 4_000 }).toBe(0);
  });

  test("while it reads a little at a time", async () => {
    const { port } = await serve({ limits: { ...limits, readBytesPerSecondMin: 100_000_000 } });
    const socket = opened(port);
    socket.write("GET /big?bytes=30000000 HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.on("data", () => {
      socket.pause();
      setTimeout(() => socket.resume(), 100);
    });
    await expect.poll(() => othersOf(port), { timeout: 4_000 }).toBe(1);
    await expect.poll(() => othersOf(port), { timeout: 4_000 }).toBe(0);
  });

  test("and one that reads at its own pace is not", async () => {
    const { port } = await serve({ limits });
    const socket = opened(port);
    socket.write("GET /big?bytes=6000000 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let read = 0;
    socket.on("data", (chunk) => {
      read += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    await new Promise((resolve) => socket.once("close", resolve));
    expect(read).toBeGreaterThan(6_000_000);
  });
});

describe("connections are capped", () => {
  test("per address, without harm to those that are open", async () => {
    const { port, get } = await serve({ limits: { connectionsPerAddressMax: 5 } });
    const sockets = await Promise.all(Array.from({ length: 12 }, () => outcome(port)));
    expect(sockets.filter((state) => state === "open")).toHaveLength(5);
    expect(await get("/users/1").catch(() => "refused")).toBe("refused");
  });

  test("in all, by the server itself", async () => {
    const { port } = await serve({ limits: { connectionsMax: 4 } });
    const sockets = await Promise.all(Array.from({ length: 12 }, () => outcome(port)));
    expect(sockets.filter((state) => state === "open")).toHaveLength(4);
  });

  test("and a closed one makes room", async () => {
    const { port, get } = await serve({ limits: { connectionsPerAddressMax: 2 } });
    for (let round = 0; round < 6; round++) {
      const socket = opened(port);
      await new Promise((resolve) => socket.once("connect", resolve));
      await new Promise((resolve) => socket.once("close", resolve).destroy());
    }
    await expect.poll(async () => (await get("/users/1").catch(() => undefined))?.status).toBe(200);
  });
});

test("during an attack by 200 slow clients an honest one waits less than twice as long as before", async () => {
  const { port, get } = await serve({
    limits: {
      ...limits,
      headersTimeoutMs: 2_000,
      requestTimeoutMs: 3_000,
      perAddress: { count: 1e6, windowMs: 1_000 },
    },
  });
  const p99 = async () => {
    const times: number[] = [];
    for (let index = 0; index < 300; index++) {
      const began = performance.now();
      await (await get("/users/1")).text();
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[297] as number;
  };
  await p99();
  const before = await p99();
  const attackers = Array.from({ length: 200 }, () => opened(port));
  const dripping = setInterval(() => {
    for (const socket of attackers) if (!socket.destroyed) socket.write("x: y\r\n");
  }, 100);
  onTestFinished(() => clearInterval(dripping));
  for (const socket of attackers) socket.write("GET /users/1 HTTP/1.1\r\nhost: a\r\n");
  // The margin is the noise of a shared machine; an attack that holds anything up costs hundreds of milliseconds.
  expect(await p99()).toBeLessThan(2 * before + 20);
});

function opened(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Open connections beside the one that asks. */
async function othersOf(port: number): Promise<number> {
  const { text } = await raw(port, "GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  return Number(/^banyan_http_connections (\d+)$/m.exec(text)?.[1]) - 1;
}

/** Whether a connection that says nothing is still open a moment later. */
function outcome(port: number): Promise<"open" | "closed"> {
  const socket = opened(port);
  return new Promise((resolve) => {
    socket.once("close", () => resolve("closed"));
    setTimeout(() => resolve("open"), 250);
  });
}

/** Sends `first`, then `more` every 50 ms until the server closes. */
function drip(port: number, first: string, more: string): Promise<{ text: string; tookMs: number }> {
  const socket = opened(port);
  const began = performance.now();
  let text = "";
  socket.write(first);
  const timer = setInterval(() => socket.write(more), 50);
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  return new Promise((resolve) => {
    socket.once("close", () => {
      clearInterval(timer);
      resolve({ text, tookMs: performance.now() - began });
    });
  });
}
