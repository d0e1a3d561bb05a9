import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { createPostgresDocuments } from "@banyan/documents-postgres";
import { type App, createApp } from "@banyan/kernel/app";
import { createPostgresKv } from "@banyan/kv-postgres";
import { createPostgresStore } from "@banyan/sql-postgres";
import { eventsService } from "@banyan/user-events-events";
import { events } from "@banyan/user-events-events/contract";
import { intakeService } from "@banyan/user-events-intake";
import { intake } from "@banyan/user-events-intake/contract";
import { sourcesService } from "@banyan/user-events-sources";
import { sources } from "@banyan/user-events-sources/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { importEvents } from "../src/index.ts";

const clicks = fileURLToPath(new URL("../../../../../shared/data/user-events/usagov-clicks.ndjson", import.meta.url));

let database: TestDatabase;
let app: App;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "events-"));
  database = await createTestDatabase(inject("postgresUrl"));
  const services = [sourcesService, intakeService, eventsService];
  app = createApp({
    services,
    store: createPostgresStore({ url: database.url }),
    documents: createPostgresDocuments({ url: database.url, inStore: true }),
    kv: createPostgresKv({ url: database.url }),
    deadlineMs: 20_000,
  });
  await app.start();
});
afterAll(async () => {
  await app?.stop();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** The gateway's own limit, which holds for an import into a running server. */
const bodyBytesMax = 1_048_576;

function importFile(file: string) {
  const { signal } = new AbortController();
  return importEvents({
    files: [file],
    call: (action, input, options) => {
      expect(Buffer.byteLength(JSON.stringify(input))).toBeLessThan(bodyBytesMax);
      return app.call(action, input, options);
    },
    progress: () => {},
    signal,
  });
}

function fileOf(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

test.skipIf(!existsSync(clicks))(
  "the click stream of 1.usa.gov (skipped where shared/data is absent): clicks once, heartbeats refused, then duplicates only",
  async () => {
    const first = { accepted: 3_440, duplicate: 0, refused: 120, reasons: { unknownShape: 120 } };
    expect(await importFile(clicks)).toEqual({ received: 3_560, ...first });
    const second = { accepted: 0, duplicate: 3_560, refused: 0, reasons: {} };
    expect(await importFile(clicks)).toEqual({ received: 3_560, ...second });
    const books = { ok: true, stored: 3_440, duplicate: 3_560, bad: 120, inFlight: 0 };
    expect(await app.call(events.verify, {})).toMatchObject(books);
  },
  60_000,
);

test("a web server's log is read line by line, and what is no line of it is refused", async () => {
  const log = [
    '192.0.2.7 - ann [10/Oct/2020:13:55:36 -0700] "GET /shop?q=tea HTTP/1.1" 200 2326 "https://example.com/" "Mozilla/5.0"',
    '2001:db8::1 - - [10/Oct/2020:13:55:37 -0700] "POST /cart HTTP/2.0" 303 -',
    "Segmentation fault",
  ].join("\n");
  const report = await importFile(fileOf("access.log", log));
  expect(report).toEqual({ received: 3, accepted: 2, duplicate: 0, refused: 1, reasons: { unreadable: 1 } });
  const { events: found } = await app.call(events.list, { name: "Request" });
  expect(found).toMatchObject([
    {
      anonymousId: "192.0.2.7",
      userId: "ann",
      occurredAt: "2020-10-10T20:55:36.000Z",
      properties: { method: "GET", path: "/shop?q=tea", status: 200, bytes: 2326, referrer: "https://example.com/" },
    },
    { anonymousId: "2001:db8::1", properties: { method: "POST", status: 303, bytes: 0 } },
  ]);
});

test("odd lines of web servers' logs are read as they are meant: names with spaces, lists of proxies, requests that are none", async () => {
  const at = (second: number) => `[12/Oct/2020:13:55:${second} +0000]`;
  const log = [
    `192.0.2.1 - ann smith ${at(10)} "GET /with space HTTP/1.1" 401 0 "-" "-"`,
    `203.0.113.9, 10.0.0.1 - - ${at(11)} "GET / HTTP/2.0" 200 5 "-" "curl/8" 0.003`,
    `192.0.2.1 - "" ${at(12)} "\\x16\\x03\\x01" 400 150 "-" "-"`,
    `shop.example 192.0.2.1 - ann smith ${at(13)} "GET /a"b HTTP/1.0" 200 5`,
    `192.0.2.1 ident ann ${at(14)} "GET /\\" 200 7 HTTP/1.1" 404 5`,
  ];
  expect(await importFile(fileOf("odd.log", log.join("\n")))).toMatchObject({ accepted: 5, refused: 0 });
  const { events: found } = await app.call(events.list, { from: "2020-10-12T00:00:00Z", to: "2020-10-13T00:00:00Z" });
  const told = found.map(({ anonymousId, userId, properties, context }) => ({
    anonymousId,
    userId,
    properties,
    context,
  }));
  const ok = { status: 200, bytes: 5 };
  expect(told).toEqual([
    {
      anonymousId: "192.0.2.1",
      userId: "ann smith",
      properties: { method: "GET", path: "/with space", protocol: "HTTP/1.1", status: 401, bytes: 0 },
      context: {},
    },
    {
      anonymousId: "203.0.113.9",
      userId: null,
      properties: { method: "GET", path: "/", protocol: "HTTP/2.0", ...ok },
      context: { userAgent: "curl/8" },
    },
    {
      anonymousId: "192.0.2.1",
      userId: null,
      properties: { request: "\\x16\\x03\\x01", status: 400, bytes: 150 },
      context: {},
    },
    {
      anonymousId: "192.0.2.1",
      userId: "ann smith",
      properties: { server: "shop.example", method: "GET", path: '/a"b', protocol: "HTTP/1.0", ...ok },
      context: {},
    },
    {
      anonymousId: "192.0.2.1",
      userId: "ann",
      properties: { method: "GET", path: '/\\" 200 7', protocol: "HTTP/1.1", status: 404, bytes: 5 },
      context: {},
    },
  ]);
});

test("a line that goes on like a list of proxies costs what its length does", async () => {
  const list = (chars: number) => "a, ".repeat(chars / 3);
  await app.call(sources.create, { id: "proxies", name: "Proxies" });
  const content = `${list(900_000)}\n${list(30_000)}`;
  const { accepted, refusals } = await app.call(intake.import, { source: "proxies", content }, { deadlineMs: 10_000 });
  expect([accepted, refusals[0]?.reason, refusals[1]?.reason]).toEqual([0, "tooLarge", "unreadable"]);
});

test("a rotated log is unpacked as it is read, with its server's name; what is no gzip is refused, after the lines before", async () => {
  const line = (at: number) =>
    `shop.example:443 192.0.2.8 - - [11/Oct/2020:13:55:${String(at % 60).padStart(2, "0")} +0000] "GET /${at} HTTP/1.1" 200 5 "-" "agent ${at}"`;
  const lines = Array.from({ length: 5_000 }, (_, at) => line(10 + at));
  const report = await importFile(fileOf("access.log.2.gz", gzipSync(lines.join("\n"))));
  expect(report).toMatchObject({ received: 5_000, accepted: 5_000, refused: 0 });
  const { events: found } = await app.call(events.list, { name: "Request", from: "2020-10-11T00:00:00Z", limit: 1 });
  expect(found).toMatchObject([{ anonymousId: "192.0.2.8", properties: { server: "shop.example:443" } }]);
  const refused = { refused: 1, reasons: { "none.gz: the file is not what gzip writes, or is cut short": 1 } };
  expect(await importFile(fileOf("none.gz", line(10)))).toMatchObject({ received: 1, ...refused });
  const cut = await importFile(fileOf("cut.gz", gzipSync(lines.join("\n")).subarray(0, -100)));
  expect(cut).toMatchObject({ accepted: 0, refused: 1 });
  expect(cut.duplicate).toBeGreaterThan(1_000);
}, 30_000);

test("lines that are alike are events of their own, and known again; bytes that are no UTF-8 are refused", async () => {
  const line = JSON.stringify({ type: "track", event: "Tick", anonymousId: "clock" });
  const content = Buffer.concat([
    Buffer.from(`${line}\n${line}\n\n`),
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.from(line),
  ]);
  const file = fileOf("alike.ndjson", content);
  expect(await importFile(file)).toMatchObject({ received: 4, accepted: 3, refused: 1, reasons: { unreadable: 1 } });
  expect(await importFile(file)).toMatchObject({ received: 4, accepted: 0, duplicate: 4, refused: 0 });
});

test("what is nested without end is refused alone, and so are half a surrogate pair and a key given twice", async () => {
  const lines = [
    "[".repeat(30_000) + "]".repeat(30_000),
    '{"type":"track","event":"Half","userId":"ann","properties":{"text":"\\ud800"}}',
    '{"type":"track","event":"Twice","userId":"ann","properties":{"sum":1,"sum":100}}',
    '{"type":"track","event":"Whole","userId":"ann","properties":{"text":"\\ud83c\\udf33"}}',
  ];
  const report = await importFile(fileOf("odd.ndjson", lines.join("\n")));
  expect(report).toMatchObject({ received: 4, accepted: 1, refused: 3, reasons: { tooDeep: 1, notStorable: 2 } });
});

test("a line of any length is refused alone, whatever its bytes, and the ones after it are read", async () => {
  const tick = (event: string) => JSON.stringify({ type: "track", event, userId: "ann" });
  const long = (bytes: string) => bytes.repeat(2_000_000);
  const content = [
    tick("Before"),
    long("\0"),
    tick("Between"),
    `{"type":"track","event":"${long("é")}"}`,
    tick("After"),
  ];
  const report = await importFile(fileOf("long.ndjson", content.join("\n")));
  expect(report).toMatchObject({ received: 5, accepted: 3, refused: 2, reasons: { tooLarge: 2 } });
  expect(await importFile(join(folder, "long.ndjson"))).toMatchObject({ accepted: 0, duplicate: 5 });
});
