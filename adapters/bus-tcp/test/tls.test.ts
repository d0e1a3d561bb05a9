import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { Authority } from "./certificates.ts";
import { startNode, tellUntilSent } from "./node.ts";

const authority = new Authority("Banyan test");
/** Of the same name, with another key. */
const stranger = new Authority("Banyan test");

test("two nodes of one authority meet, and each knows what the other's certificate lets it offer", async () => {
  const a = await startNode({ tls: authority.files(["ledger", "fx"]) });
  const b = await startNode({ tls: authority.files(["gateway"]) });
  await a.tell(b, "one");
  await b.tell(a, "two");
  await a.heard.until(() => a.heard.text() === "two");
  expect(b.heard.nodes.get(a.id)).toEqual({ ...a.ref, services: ["ledger", "fx"] });
  expect(a.heard.nodes.get(b.id)).toEqual({ ...b.ref, services: ["gateway"] });
});

test.each([
  ["certificate_untrusted", "another authority", () => ({ ...stranger.files(["ledger"]), ca: authority.files([]).ca })],
  ["certificate_expired", "an end in the past", () => authority.files(["ledger"], { notAfter: new Date(0) })],
  ["certificate_unnamed", "no service", () => authority.files([])],
])("%s: a certificate of %s is refused, whichever end dials", async (reason, _, files) => {
  const node = await startNode({ tls: authority.files(["ledger"]) });
  const intruder = await startNode({ tls: files() });
  const sent = await Promise.all([intruder.tell(node, "let me in"), node.tell(intruder, "who are you")]);
  expect(sent).toEqual([
    expect.objectContaining({ code: "bus.unavailable" }),
    expect.objectContaining({ code: "bus.unavailable" }),
  ]);
  await node.heard.until(() => node.heard.refusals.length >= 2);
  for (const refusal of node.heard.refusals) {
    expect(refusal.detail).toMatch(/refused|node of/);
    expect(refusal.detail).not.toContain("\n");
  }
  expect(node.heard.refusals.map((refusal) => refusal.reason)).toContain(reason);
  expect([node.heard.texts, intruder.heard.texts]).toEqual([[], []]);
});

test("who shows no certificate, speaks no TLS or an old one is refused", async () => {
  const node = await startNode({ tls: authority.files(["ledger"]) });
  const [host = "", port] = node.bus.address.split(":");
  const at = { host, port: Number(port), rejectUnauthorized: false };
  connectTls(at).on("error", () => {});
  await node.heard.until(() => node.heard.refusals.length === 1);
  connectTls({ ...at, maxVersion: "TLSv1.2" }).on("error", () => {});
  await node.heard.until(() => node.heard.refusals.length === 2);
  const plain = await startNode();
  expect(await plain.tell(node, "in the clear")).toMatchObject({ code: "bus.unavailable" });
  await node.heard.until(() => node.heard.refusals.length === 3);
  expect(node.heard.refusals.map(({ reason }) => reason)).toEqual(["certificate_missing", "tls", "tls"]);
});

test("a node with TLS does not talk to one without", async () => {
  const node = await startNode();
  const secure = await startNode({ tls: authority.files(["ledger"]) });
  expect(await secure.tell(node, "secret")).toMatchObject({ code: "bus.unavailable" });
  expect(node.heard.refusals).toEqual([{ reason: "foreign", detail: expect.stringContaining("it began with") }]);
});

test("a handshake that stops halfway is cut when its time is up", async () => {
  const node = await startNode({ tls: authority.files(["ledger"]), handshakeTimeoutMs: 50 });
  const [host, port] = node.bus.address.split(":");
  const socket = connect({ host, port: Number(port) }).on("error", () => {});
  socket.write(Buffer.from("160301", "hex"));
  await once(socket, "close");
  expect(node.heard.refusals).toEqual([{ reason: "slow", detail: expect.stringContaining("within 50 ms") }]);
});

test("replaced certificate files are shown and dialled with from the next connection on, without a restart", async () => {
  const next = new Authority("Banyan test, next year");
  const files = authority.files(["ledger"]);
  const node = await startNode({ tls: files, certificateCheckMs: 5 });
  const before = await startNode({ tls: authority.files(["gateway"]) });
  await before.tell(node, "before ");
  await node.heard.until(() => node.heard.text() === "before ");
  next.write(files, ["ledger", "fx"]);
  const after = await startNode({ tls: next.files(["gateway"]) });
  await tellUntilSent(after, node, "after ");
  await node.heard.until(() => node.heard.text() === "before after ");
  await before.tell(node, "still here");
  await node.heard.until(() => node.heard.text() === "before after still here");
  const third = await startNode({ tls: next.files(["gateway"]) });
  await node.tell(third, "dialled");
  await third.heard.until(() => third.heard.text() === "dialled");
  expect(third.heard.nodes.get(node.id)?.services).toEqual(["ledger", "fx"]);
});

test("files that do not fit together are told, and the old certificate stays", async () => {
  const files = authority.files(["ledger"]);
  const node = await startNode({ tls: files, certificateCheckMs: 5 });
  const { key } = authority.files(["ledger"]);
  authority.write({ ...files, key }, ["ledger"]);
  await node.heard.until(() => node.heard.refusals.length > 0);
  expect(node.heard.refusals[0]).toMatchObject({ reason: "certificate_unreadable" });
  const other = await startNode({ tls: authority.files(["gateway"]) });
  await other.tell(node, "hello");
  await node.heard.until(() => node.heard.text() === "hello");
});

test("a node that is said to offer what its certificate does not name is sent nothing", async () => {
  const a = await startNode({ tls: authority.files(["gateway"]) });
  const b = await startNode({ tls: authority.files(["fx"]) });
  const lie = { ref: { ...b.ref, services: ["fx", "ledger"] } };
  expect(await a.tell(lie, "transfer")).toMatchObject({ code: "bus.unavailable" });
  await tellUntilSent(a, { ...b, ref: { ...b.ref, services: ["fx"] } }, "hello");
  await b.heard.until(() => b.heard.text() === "hello");
  expect(await a.tell(lie, "transfer")).toMatchObject({ code: "bus.unavailable" });
  expect(a.heard.refusals.map(({ reason }) => reason)).toEqual(["service_not_named", "service_not_named"]);
  expect(b.heard.text()).toBe("hello");
});

test("a name within the text of another entry, or of another form, is no name", async () => {
  const dnsNames = ["a, URI:banyan://service/ledger, b"];
  const a = await startNode({ tls: authority.files(["fx", "", "deeper/down"], { dnsNames }) });
  const b = await startNode({ tls: authority.files(["gateway"]) });
  await a.tell(b, "hello");
  await b.heard.until(() => b.heard.text() === "hello");
  expect(b.heard.nodes.get(a.id)?.services).toEqual(["fx"]);
});
