import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { InProcessLog } from "@banyan/kernel/log";
import { createDestinationsService } from "@banyan/user-events-destinations";
import { destinations } from "@banyan/user-events-destinations/contract";
import { events } from "@banyan/user-events-events/contract";
import { intake } from "@banyan/user-events-intake/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Served, serveEvents } from "./serve-events.ts";

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly eventId: string;
}

const heard: Heard[] = [];
/** What the receiver answers, by path and event; 204 unless it is said. */
const answers = new Map<string, number[]>();
const lake = new InProcessLog();
let served: Served;
let receiver: Server;
let folder: string;
let host: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "destinations-"));
  receiver = createServer(async (request, response) => {
    const body = await text(request);
    const { eventId } = JSON.parse(body).data;
    const status = answers.get(`${request.url} ${eventId}`)?.shift() ?? 204;
    if (status < 300) heard.push({ path: request.url ?? "", headers: request.headers, body, eventId });
    response.writeHead(status, status === 429 ? { "retry-after": "3000" } : {}).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const service = createDestinationsService({ folder, logs: { lake: lake.connect() }, allowedHosts: [host] });
  served = await serveEvents(inject("postgresUrl"), { services: [service] });
});
afterAll(async () => {
  await served?.close();
  receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

const patience = { timeout: 20_000, interval: 50 };
const retry = { attemptsMax: 3, firstMs: 10 };
const track = (messageId: string, more: object = {}) => ({
  type: "track",
  messageId,
  event: "Paid",
  userId: "ann",
  ...more,
});
const send = async (...batch: readonly object[]) => {
  expect((await served.send("/v1/batch", { batch })).status).toBe(202);
};
const at = (path: string) => heard.filter((one) => one.path === path).map(({ eventId }) => eventId);
const webhook = async (id: string, more: object = {}) => {
  const to = { kind: "webhook", url: `http://${host}/${id}` };
  return (await served.ask("/v1/destinations", { id, to, retry, ...more })).body;
};

test("a webhook gets what is stored from then on, in order, signed as others verify it, through its filter", async () => {
  await send(track("before"));
  await served.app.settled();
  const { secret } = await webhook("paid", { filter: { names: ["Paid"] } });
  await send(track("w-1"), track("w-2", { event: "Looked" }), track("w-3"));
  await expect.poll(() => at("/paid"), patience).toEqual(["w-1", "w-3"]);
  const [first] = heard.filter(({ path }) => path === "/paid");
  const verified = new Webhook(secret as string).verify(first?.body ?? "", first?.headers as Record<string, string>);
  expect(verified).toMatchObject({ type: "event.track", data: { eventId: "w-1", source: "shop" } });
  expect(first?.headers["webhook-id"]).toBe("shop_w-1");
});

test("what fails is tried again in its order; what is not wanted is a dead letter, and what follows is delivered", async () => {
  await webhook("moody");
  answers.set("/moody m-1", [500, 503]);
  answers.set("/moody m-2", [400]);
  answers.set("/moody m-3", [500, 500, 500]);
  await send(track("m-1"), track("m-2"), track("m-3"), track("m-4"));
  await expect.poll(() => at("/moody"), patience).toEqual(["m-1", "m-4"]);
  const { deadLetters } = await served.app.call(destinations.deadLetters, { id: "moody" });
  expect(deadLetters.map(({ eventId, error, attempts }) => [eventId, error, attempts]).sort()).toEqual([
    ["m-2", "the receiver answered 400", 1],
    ["m-3", "the receiver answered 500", 3],
  ]);
  const first = await served.ask("/v1/destinations/moody/dead-letters?limit=1");
  const second = await served.ask(`/v1/destinations/moody/dead-letters?limit=1&after=${first.body.next}`);
  expect([...(first.body.deadLetters as object[]), ...(second.body.deadLetters as object[])]).toEqual(deadLetters);
  expect(second.body.next).toBe(null);
  expect(await served.ask("/v1/destinations/moody/dead-letters?after=m-2")).toMatchObject({
    status: 400,
    body: { code: "kernel.invalidInput", field: "after" },
  });
  await served.ask("/v1/replays", { id: "moody", types: ["track"] });
  await expect
    .poll(() => at("/moody"), patience)
    .toEqual(expect.arrayContaining(["before", "m-1", "m-2", "m-3", "m-4"]));
  await expect
    .poll(async () => (await served.app.call(destinations.deadLetters, { id: "moody" })).deadLetters)
    .toEqual([]);
  expect(at("/moody").filter((id) => id === "m-1")).toHaveLength(1);
});

test("a receiver that asks to be left in peace is, until it is resumed by hand", async () => {
  await webhook("busy");
  answers.set("/busy b-1", [429]);
  await send(track("b-1"));
  const failures = async () => {
    const { destinations: all } = await served.app.call(destinations.list, {});
    return all.find(({ id }) => id === "busy")?.failures;
  };
  await expect.poll(failures, patience).toBe(1);
  // By then it would have been tried again: another is, after as long.
  await webhook("brisk");
  answers.set("/brisk b-2", [503, 503]);
  await send(track("b-2"));
  await expect.poll(() => at("/brisk"), patience).toEqual(["b-2"]);
  expect(at("/busy")).toEqual([]);
  await served.ask("/v1/destinations/busy/resume", {});
  await expect.poll(() => at("/busy"), patience).toEqual(["b-1", "b-2"]);
});

test("a replay sends what was stored before, by time and type, and nothing twice, however often it is asked for", async () => {
  await send(
    track("old-1", { timestamp: "2026-10-01T10:00:00Z" }),
    track("old-2", { timestamp: "2026-10-02T10:00:00Z" }),
    { type: "page", messageId: "old-3", userId: "ann", timestamp: "2026-10-02T11:00:00Z" },
    track("old-4", { timestamp: "2026-10-03T10:00:00Z" }),
  );
  await served.app.settled();
  await webhook("late");
  const october = { id: "late", from: "2026-10-02T00:00:00Z", to: "2026-10-03T00:00:00Z", types: ["track"] };
  expect((await served.ask("/v1/replays", october)).status).toBe(202);
  await expect.poll(() => at("/late"), patience).toEqual(["old-2"]);
  await served.ask("/v1/replays", october);
  await served.ask("/v1/replays", { ...october, types: ["page"] });
  await expect.poll(() => at("/late"), patience).toEqual(["old-2", "old-3"]);
});

test("what was delivered is forgotten when it is older than any event, and what was delivered since is not", async () => {
  await webhook("aged", { filter: { names: ["Aged"] } });
  await webhook("young", { filter: { names: ["Aged"] } });
  await send(track("a-1", { event: "Aged" }));
  for (const path of ["/aged", "/young"]) await expect.poll(() => at(path), patience).toEqual(["a-1"]);
  const of = "FROM destinations.delivered_block WHERE destination";
  const noted = () => served.run(`DO $$ BEGIN ASSERT (SELECT count(*) ${of} IN ('aged', 'young')) = 2; END $$`);
  await expect
    .poll(
      () =>
        noted().then(
          () => true,
          () => false,
        ),
      patience,
    )
    .toBe(true);
  await served.run("UPDATE destinations.delivered_block SET at = at - interval '11 years' WHERE destination = 'aged'");
  // Its turn comes at night.
  await served.run(`INSERT INTO banyan.job (id, type, tenant, input, priority, trace_id, metadata, delay_ms, due_at)
    VALUES ('tonight', 'destinations.keep', 'default', '{}', 1, '${"0".repeat(31)}1', '{}', 0, now())`);
  const forgotten = () => served.run(`DO $$ BEGIN ASSERT (SELECT count(*) ${of} = 'aged') = 0; END $$`);
  await expect
    .poll(
      () =>
        forgotten().then(
          () => true,
          () => false,
        ),
      patience,
    )
    .toBe(true);
  for (const id of ["young", "aged"]) await served.ask("/v1/replays", { id });
  await expect.poll(() => at("/aged"), patience).toEqual(["a-1", "a-1"]);
  expect(at("/young")).toEqual(["a-1"]);
});

test("while a destination is paused it is sent nothing, and then all that came", async () => {
  await webhook("resting");
  await webhook("awake");
  expect((await served.ask("/v1/destinations/resting/pause", {})).body).toEqual({ isPaused: true });
  await send(track("p-1"), track("p-2"));
  await expect.poll(() => at("/awake"), patience).toEqual(["p-1", "p-2"]);
  expect(at("/resting")).toEqual([]);
  await served.ask("/v1/destinations/resting/resume", {});
  await expect.poll(() => at("/resting"), patience).toEqual(["p-1", "p-2"]);
  expect((await served.ask("/v1/destinations/nobody/pause", {})).status).toBe(404);
});

test("addresses that are not of the public internet are refused, as is what this application does not have", async () => {
  for (const url of [
    "https://127.0.0.1/",
    "https://10.0.0.1/in",
    "https://[::1]/",
    "https://169.254.169.254/latest",
    `http://localhost/`,
  ]) {
    const refused = await served.ask("/v1/destinations", { id: "inside", to: { kind: "webhook", url } });
    expect([refused.status, refused.body.code]).toEqual([400, "destinations.unreachable"]);
  }
  const unknown = await served.ask("/v1/destinations", { id: "inside", to: { kind: "log", log: "swamp" } });
  expect(unknown.body.code).toBe("destinations.unreachable");
  expect((await served.ask("/v1/destinations", { id: "paid", to: { kind: "files" } })).status).toBe(409);
});

test("files hold each event once, by day", async () => {
  await served.ask("/v1/destinations", { id: "archive", to: { kind: "files" }, filter: { names: ["Archived"] } });
  const own = join(folder, "default", "archive");
  const lines = () => {
    const files = readdirSync(folder).length === 0 ? [] : readdirSync(own).sort();
    return files.flatMap((file) => readFileSync(join(own, file), "utf8").trimEnd().split("\n"));
  };
  const archived = () => {
    try {
      return lines().map((line) => JSON.parse(line).eventId);
    } catch {
      return [];
    }
  };
  await send(track("f-1", { event: "Archived" }), track("f-2", { event: "Archived" }));
  await expect.poll(archived, patience).toEqual(["f-1", "f-2"]);
  const [file = ""] = readdirSync(own);
  expect(file).toMatch(/^\d{4}-\d\d-\d\d\.ndjson$/);
  await send(track("f-3", { event: "Archived" }));
  await expect.poll(archived, patience).toEqual(["f-1", "f-2", "f-3"]);
});

test("destinations of another tenant get what is stored there, and nothing else", async () => {
  const identity = { subject: "test", tenant: "acme", permissions: new Set(["*"]) };
  const { writeKey } = await served.app.call(sources.create, { id: "shop" }, { identity });
  const to = { kind: "webhook", url: `http://${host}/acme` } as const;
  await served.app.call(destinations.create, { id: "paid", to }, { identity });
  await send(track("of-default"));
  for (const messageId of ["t-1", "t-2"]) {
    const event = { writeKey, messageId, event: "Paid", userId: "ann" };
    await served.app.call(intake.track, event, { identity });
    await expect.poll(() => at("/acme"), patience).toContain(messageId);
  }
  expect(at("/acme")).toEqual(["t-1", "t-2"]);
});

test("a folder that is away is waited for, no event is given up for it, and what was half written is whole", async () => {
  const own = join(folder, "default", "away");
  mkdirSync(join(folder, "default"), { recursive: true });
  writeFileSync(own, "in the way");
  await served.ask("/v1/destinations", { id: "away", to: { kind: "files" }, retry: { attemptsMax: 1, firstMs: 1 } });
  await send(track("d-1"));
  const state = async () => {
    const { destinations: all } = await served.app.call(destinations.list, {});
    return all.find(({ id }) => id === "away");
  };
  await expect.poll(async () => (await state())?.failures, patience).toBeGreaterThan(1);
  expect(await state()).toMatchObject({ deadLetters: 0, lastError: "EEXIST" });
  rmSync(own);
  mkdirSync(own);
  const file = join(own, `${new Date().toISOString().slice(0, 10)}.ndjson`);
  // As of a process that died.
  writeFileSync(file, '{"source":"shop","eventId"');
  await expect.poll(state, patience).toMatchObject({ failures: 0, lastError: null, deadLetters: 0 });
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).eventId)).toEqual(["d-1"]);
});

test("another log gets CloudEvents, those of one person in order", async () => {
  await served.ask("/v1/destinations", { id: "lake", to: { kind: "log", log: "lake" }, filter: { types: ["track"] } });
  await send(track("l-1"), { type: "page", messageId: "l-2", userId: "ann" }, track("l-3"));
  const bodies = () => lake.messages.map(({ message }) => JSON.parse(Buffer.from(message.body).toString()));
  await expect.poll(() => bodies().map(({ data }) => data.eventId), patience).toEqual(["l-1", "l-3"]);
  expect(bodies()[0]).toMatchObject({ specversion: "1.0", type: "userEvents.track", source: "/user-events/shop" });
  const { destinations: all } = await served.app.call(destinations.list, {});
  expect(all.map(({ id, deadLetters }) => [id, deadLetters])).toContainEqual(["lake", 0]);
  expect(await served.app.call(events.verify, {})).toMatchObject({ ok: true });
});
