import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredEvent } from "@banyan/user-events-events/contract";
import { newSecret, systemResolve } from "@banyan/webhooks";
import { expect, onTestFinished, test } from "vitest";
import { linesOf, writeLines } from "../src/file-lines.ts";
import type { DayLines } from "../src/schemas.ts";
import { sendWebhooks } from "../src/send-webhooks.ts";

const iso = "2026-11-22T10:00:00.000Z";
const day = Date.parse(iso);

function event(eventId: string): StoredEvent {
  const of = { source: "shop", eventId, type: "track", name: "Paid", userId: "ann", anonymousId: null } as const;
  const at = { occurredAt: iso, sentAt: null, receivedAt: iso, partition: 0, offset: 0 };
  return { ...of, ...at, schema: null, properties: {}, context: {} };
}

/** A receiver that answers all of them alike, and what it was sent. */
async function receiverOf(status: number, headers: Record<string, string> = {}) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.writeHead(status, headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const given = { url: `http://${host}/`, secret: newSecret(), signal: new AbortController().signal };
  return { requests, network: { allowed: new Set([host]), resolve: systemResolve }, given };
}

test("a receiver that takes long is sent what there is time for, and one event at least", async () => {
  const { requests, network, given } = await receiverOf(204);
  const slow = (until: number) => {
    const now = () => day + requests.length * 8_000;
    return { ...given, events: ["a", "b", "c", "d", "e"].map(event), now, until };
  };
  expect(await sendWebhooks(network, slow(day + 20_000))).toMatchObject({ count: 3, error: null });
  expect(await sendWebhooks(network, slow(day))).toMatchObject({ count: 1, error: null });
});

test("a receiver says for how long it wants to be left in peace", async () => {
  const { network, given } = await receiverOf(429, { "retry-after": "90" });
  const sent = await sendWebhooks(network, { ...given, events: [event("a")], now: () => day, until: day });
  expect(sent).toMatchObject({ count: 0, isFinal: false, retryAfterMs: 90_000 });
});

test("two events never have one webhook-id", async () => {
  const { requests, network, given } = await receiverOf(204);
  const events = ["one two", "one_two", "ünö", "ünä"].map(event);
  await sendWebhooks(network, { ...given, events, now: () => day, until: day + 20_000 });
  expect(new Set(requests.map(({ headers }) => headers["webhook-id"])).size).toBe(4);
});

function folderOfLines(): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "files-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { folder, file: join(folder, "2026-11-22.ndjson") };
}

test("whoever comes late with lines, or died in the middle of them, leaves the file as it should be", async () => {
  const { folder, file } = folderOfLines();
  const [first, second] = [["a", "b"], ["c"]].map((ids) => linesOf(ids.map(event))[0] as DayLines);
  const [one, other] = [first?.lines ?? "", second?.lines ?? ""];
  writeFileSync(file, one.slice(0, 10));
  const before = { day: "2026-11-22", start: 0, lines: one };
  await writeLines(folder, before);
  await writeLines(folder, { day: "2026-11-22", start: Buffer.byteLength(one), lines: other });
  await writeLines(folder, before);
  expect(readFileSync(file, "utf8")).toBe(one + other);
});

test("a file that is shorter than what was written to it is not filled up, and one that is gone is not begun anew", async () => {
  const { folder, file } = folderOfLines();
  const late = { day: "2026-11-22", start: 9, lines: "{}\n" };
  await expect(writeLines(folder, late)).rejects.toMatchObject({ code: "ENOENT" });
  writeFileSync(file, "{}\n");
  await expect(writeLines(folder, late)).rejects.toThrow("2026-11-22.ndjson has 3 bytes");
  expect(readFileSync(file, "utf8")).toBe("{}\n");
});
