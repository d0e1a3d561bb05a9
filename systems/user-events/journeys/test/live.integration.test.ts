import { events } from "@banyan/user-events-events/contract";
import { intake } from "@banyan/user-events-intake/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Served, serveEvents } from "./serve-events.ts";

let served: Served;
beforeAll(async () => {
  served = await serveEvents(inject("postgresUrl"));
});
afterAll(() => served?.close());

const track = (messageId: string, more: object = {}) => ({
  type: "track",
  messageId,
  event: "Step",
  userId: "ann",
  ...more,
});
const send = async (batch: readonly object[]) => {
  await served.send("/v1/batch", { batch });
  await served.app.settled();
};

test("lines of any length of a file are taken while they come, and each has its outcome", async () => {
  const lines = Array.from({ length: 20_000 }, (_, at) =>
    JSON.stringify(track(`line-${at}`, { userId: `user-${at % 50}`, properties: { text: "x".repeat(60), at } })),
  );
  lines.push("no event");
  lines.splice(7, 0, "no event", `{"type":"track","event":"${"x".repeat(600_000)}"}`, "[".repeat(20_000));
  const body = `${lines.join("\n")}\n`;
  expect(body.length).toBeGreaterThan(3_000_000);
  const response = await fetch(`${served.url}/v1/import?source=shop&run=long`, {
    method: "POST",
    headers: { ...served.authorization, "content-type": "application/x-ndjson" },
    body,
  });
  expect(response.status).toBe(202);
  const { accepted, refused, refusals } = (await response.json()) as Record<string, unknown>;
  expect({ accepted, refused }).toEqual({ accepted: 20_000, refused: 4 });
  expect(refusals).toMatchObject([
    { position: 8, reason: "unreadable" },
    { position: 9, reason: "tooLarge" },
    { position: 10, reason: "unreadable" },
    { position: 20_004, reason: "unreadable" },
  ]);
  await served.app.settled({ deadlineMs: 30_000 });
  const tally = await served.app.call(events.tally, { source: "shop", run: "long" });
  // The line that is there twice is the same to whoever sees only pieces of the file.
  expect(tally).toMatchObject({ stored: 20_000, duplicate: 1, bad: 3 });
  expect(await served.app.call(events.verify, {})).toMatchObject({ ok: true, inFlight: 0 });
}, 60_000);

test("a file for a source that is not there is refused with the source's name", async () => {
  expect(await served.ask("/v1/import", { source: "nowhere", events: [] })).toMatchObject({
    status: 404,
    body: { code: "intake.unknownSource", details: { source: "nowhere" } },
  });
});

test("live begins with what comes next, shows what is stored and refused, and says what it leaves out", async () => {
  const { next } = await served.app.call(events.live, {});
  await send([track("live-1"), track("live-2", { userId: undefined }), track("live-1")]);
  const seen = await served.app.call(events.live, { after: next });
  expect(seen.events.map(({ outcome, eventId }) => `${outcome} ${eventId}`).sort()).toEqual([
    "bad live-2",
    "stored live-1",
  ]);
  expect(await served.app.call(events.live, { after: seen.next })).toMatchObject({ events: [], skipped: 0 });
  await send(Array.from({ length: 10 }, (_, at) => track(`many-${at}`)));
  expect(await served.app.call(events.live, { after: seen.next, limit: 4 })).toMatchObject({ skipped: 6 });
  const byName = await served.app.call(events.live, { after: next, name: "Nothing" });
  expect(byName).toMatchObject({ events: [], skipped: 0 });
  await expect(served.app.call(events.live, { after: "now" })).rejects.toMatchObject({
    code: "events.malformedCursor",
  });
});

test("a cursor from long ago shows the newest, and counts what is too far back to be looked at as left out", async () => {
  const { next } = await served.app.call(events.live, {});
  // As if a million had been stored before.
  await served.run("UPDATE events.act_head SET count = count + 1000000");
  const { events: seen, skipped } = await served.app.call(events.live, { after: next });
  await served.run("UPDATE events.act_head SET count = count - 1000000");
  expect(seen).toEqual([]);
  const partitions = next.split("_").length - 1;
  expect(skipped).toBe(partitions * 990_000);
});

test("who accepts server-sent events follows live, goes on after a break where it was, and is forgotten when it leaves", async () => {
  const follow = async (headers: Record<string, string> = {}) => {
    const leave = new AbortController();
    const response = await fetch(`${served.url}/v1/live?source=shop`, {
      headers: { ...served.authorization, accept: "text/event-stream", ...headers },
      signal: leave.signal,
    });
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    return { response, leave: () => leave.abort(), read: async () => (await reader.read()).value ?? "" };
  };
  const first = await follow();
  expect(first.response.headers.get("content-type")).toBe("text/event-stream");
  await send([track("followed-1")]);
  const [, id = "", data = ""] = /^id: (\S+)\ndata: (.+)\n\n$/.exec(await first.read()) ?? [];
  expect(JSON.parse(data)).toMatchObject({ events: [{ eventId: "followed-1", outcome: "stored" }], skipped: 0 });
  first.leave();
  await send([track("followed-2")]);
  const second = await follow({ "last-event-id": id });
  expect(await second.read()).toContain("followed-2");
  second.leave();
  const refused = await fetch(`${served.url}/v1/live?after=x`, {
    headers: { ...served.authorization, accept: "text/event-stream" },
  });
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([400, "events.malformedCursor"]);
});

test("a lag that rises to the threshold is told once, and once when it is normal again: each tenant its own", async () => {
  const acme = { subject: "test", tenant: "acme", permissions: new Set(["*"]) };
  const { writeKey } = await served.app.call(sources.create, { id: "shop" }, { identity: acme });
  await served.app.call(intake.track, { writeKey, event: "Step", userId: "ann" }, { identity: acme });
  await send([track("lagging")]);
  const told: string[] = [];
  const stop = served.app.inspect(
    (record) => {
      if (record.kind === "event" && record.id.startsWith("events.lag")) told.push(`${record.id} ${record.tenant}`);
    },
    ["event"],
  );
  const append = (tenant: string, count: number) =>
    served.run(`UPDATE intake.partition SET appended = appended + ${count}
      WHERE tenant = '${tenant}' AND partition = (SELECT min(partition) FROM intake.partition WHERE tenant = '${tenant}')`);
  const patience = { timeout: 20_000 };
  await served.app.call(events.alertAtLag, { alertAt: 1_000 });
  await append("acme", 1_000);
  await append("default", 1_000);
  await expect.poll(() => told, patience).toEqual(["events.lagHigh default"]);
  await append("acme", 19_000);
  await expect.poll(() => told, patience).toEqual(["events.lagHigh default", "events.lagHigh acme"]);
  await append("default", -499);
  await append("acme", -20_000);
  await expect.poll(() => told.slice(2), patience).toEqual(["events.lagNormal acme"]);
  await append("default", -501);
  await expect.poll(() => told.slice(3), patience).toEqual(["events.lagNormal default"]);
  stop();
});
