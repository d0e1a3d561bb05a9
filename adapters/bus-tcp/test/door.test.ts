import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { encodePreamble } from "../src/preamble.ts";
import { startNode, type TestNode } from "./node.ts";

const hello = { purpose: "frames", id: "visitor", address: "", to: "", insists: false } as const;

test.each([
  ["foreign", "a browser", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
  ["foreign", "one wrong letter", Buffer.from("BNYM")],
  ["version", "a later version", Buffer.from("BNYN\x02\x02\x00{}")],
  ["garbled", "a preamble of 64 KB", Buffer.from("BNYN\x01\xff\xff")],
  ["garbled", "no JSON", Buffer.from("BNYN\x01\x02\x00{]")],
  ["garbled", "JSON that is no object", Buffer.from("BNYN\x01\x04\x00null")],
  ["garbled", "a name that is none", encodePreamble({ ...hello, id: "../etc" })],
  ["garbled", "nothing that is asked", encodePreamble({ id: "visitor" })],
  ["stranger", "a wish for another node", encodePreamble({ ...hello, to: "another" })],
])("%s: %s at the port is refused, counted and closed", async (reason, _, bytes) => {
  const node = await startNode();
  const socket = knock(node);
  socket.write(bytes);
  await once(socket.resume(), "close");
  expect(node.heard.refusals).toEqual([
    { reason, detail: expect.stringMatching(/^a connection from 127.0.0.1:\d+ was/) },
  ]);
});

test("garbage is survived, whatever it is and wherever it is cut, and the port goes on serving", async () => {
  const node = await startNode({ handshakeTimeoutMs: 200 });
  const whole = encodePreamble(hello);
  const visits = Array.from({ length: 300 }, async (_, i) => {
    const socket = knock(node);
    const bytes = i % 3 === 0 ? randomBytes(1 + i) : Buffer.from(whole);
    // One byte of a proper preamble is turned over.
    if (i % 3 === 1) bytes.writeUInt8(bytes.readUInt8(i % bytes.length) ^ (1 << (i % 8)), i % bytes.length);
    socket.write(bytes.subarray(0, i % 3 === 2 ? i % bytes.length : bytes.length));
    if (i % 2 === 0) socket.end();
    socket.setTimeout(1_000, () => socket.destroy());
    // Not by `once`, which would throw where the node has cut it off with bytes unread.
    await new Promise((closed) => socket.resume().on("close", closed));
  });
  await Promise.all(visits);
  const friend = await startNode();
  await friend.tell(node, "hello");
  await node.heard.until(() => node.heard.text().endsWith("hello"));
});

test("whoever sends a byte now and then is cut when the time for a preamble is up", async () => {
  const node = await startNode({ handshakeTimeoutMs: 60 });
  const socket = knock(node);
  const slowly = setInterval(() => socket.write("B"), 10_000);
  socket.write("B");
  await once(socket.resume(), "close");
  clearInterval(slowly);
  expect(node.heard.refusals).toEqual([{ reason: "slow", detail: expect.stringContaining("within 60 ms") }]);
});

test("more silent connections than may be cut the oldest, and a node gets in all the same", async () => {
  const node = await startNode({ unknownMax: 8 });
  const silent = Array.from({ length: 40 }, () => knock(node));
  const closed = silent.map((socket) => once(socket.resume(), "close"));
  await Promise.all(closed.slice(0, 32));
  const friend = await startNode();
  await friend.tell(node, "hello");
  await node.heard.until(() => node.heard.text() === "hello");
  expect(new Set(node.heard.refusals.map(({ reason }) => reason))).toEqual(new Set(["crowded"]));
  expect(silent.filter((socket) => !socket.destroyed).length).toBeGreaterThanOrEqual(7);
});

test("a node that says who it is in single bytes, with frames right behind, is welcome", async () => {
  const node = await startNode();
  const socket = knock(node);
  for (const byte of Buffer.concat([encodePreamble(hello), Buffer.from("frames")])) {
    socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  await node.heard.until(() => node.heard.text() === "frames");
});

test("garbage instead of topics ends that connection only, with a counted reason", async () => {
  const node = await startNode();
  const socket = knock(node);
  socket.write(encodePreamble({ ...hello, purpose: "topics" }));
  socket.write(randomBytes(2_000).fill(0xff, 0, 4));
  await once(socket.resume(), "close");
  expect(node.heard.refusals).toEqual([{ reason: "garbled", detail: expect.stringContaining("topics of visitor") }]);
});

function knock(node: TestNode): Socket {
  const [host, port] = node.bus.address.split(":");
  return connect({ host, port: Number(port) }).on("error", () => {});
}
