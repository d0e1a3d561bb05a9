import { events } from "@banyan/user-events-events/contract";
import { sources } from "@banyan/user-events-sources/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Served, serveEvents } from "./serve-events.ts";

let served: Served;
beforeAll(async () => {
  served = await serveEvents(inject("postgresUrl"));
});
afterAll(() => served?.close());

async function sourceOf(id: string, options: object) {
  const { body } = await served.ask("/v1/sources", { id, ...options });
  const authorization = `Basic ${btoa(`${body.writeKey}:`)}`;
  return async (batch: readonly object[]) => {
    const answer = await served.send("/v1/batch", { batch }, { authorization });
    await served.app.settled();
    return answer;
  };
}

const crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const browser =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const page = (messageId: string, userAgent: unknown) => ({
  type: "page",
  messageId,
  anonymousId: "visitor",
  context: { userAgent },
});

test("a source that wants no programs refuses theirs with a reason; by hand they are stored all the same", async () => {
  const send = await sourceOf("people-only", { refusesBots: true });
  const { body } = await send([page("crawled", crawler), page("browsed", browser), page("odd", 7)]);
  expect((body.results as { reason?: string }[]).map(({ reason }) => reason)).toEqual(["bot", undefined, undefined]);
  const { badRows } = await served.app.call(events.badRows, { source: "people-only" });
  expect(badRows).toMatchObject([{ eventId: "crawled", stage: "collect", reason: "bot" }]);
  expect(await served.app.call(events.redrive, { id: badRows[0]?.id ?? "" })).toEqual({ outcome: "stored" });
  expect(await served.app.call(events.verify, {})).toMatchObject({ ok: true, bad: 0 });
});

test("what a source wants concealed lies nowhere: not in the log, not among the events, not among what was refused", async () => {
  const pseudonyms = ["userId", "context.ip", "properties.email", "properties.guests.email", "properties.absent"];
  const send = await sourceOf("discreet", { pseudonyms });
  const event = {
    type: "track",
    event: "Paid",
    userId: "secret-user",
    anonymousId: "cookie",
    properties: {
      email: "secret@example.com",
      guests: [{ email: "secret@example.org", seat: 1 }, [{ email: "secret@example.net" }], "nobody"],
      total: 12,
    },
    context: { ip: "192.0.2.99", locale: "de" },
  };
  await send([
    { ...event, messageId: "c-1" },
    { ...event, messageId: "c-2", timestamp: "secret instant" },
    { type: "alias", messageId: "c-3", previousId: "secret-before", userId: "secret-user" },
  ]);
  const { pseudonyms: first } = await served.app.call(sources.pseudonymsOf, { value: "secret-user" });
  expect(first).toHaveLength(1);
  const { events: stored } = await served.app.call(events.list, { source: "discreet" });
  expect(stored).toMatchObject([
    {
      userId: first[0],
      anonymousId: "cookie",
      properties: { guests: [{ seat: 1 }, [{}], "nobody"], total: 12 },
      context: { locale: "de" },
    },
  ]);
  const { badRows } = await served.app.call(events.badRows, { source: "discreet" });
  expect(badRows).toMatchObject([{ eventId: "c-2", reason: "malformedTimestamp" }]);
  expect(await served.dumped()).not.toMatch(/secret-user|secret-before|secret@example|192\.0\.2\.99|secret instant/);
});

test("a line of a log is known by a pseudonym, too: by its digest its address could be tried", async () => {
  await sourceOf("logged", { pseudonyms: ["anonymousId"] });
  const line = '192.0.2.77 - - [10/Oct/2020:13:55:36 -0700] "GET / HTTP/1.1" 200 5';
  const importLines = () => served.ask("/v1/import", { source: "logged", lines: [{ text: line, occurrence: 0 }] });
  for (const _ of [1, 2]) expect(await importLines()).toMatchObject({ status: 202, body: { accepted: 1 } });
  await served.app.settled();
  const { events: stored } = await served.app.call(events.list, { source: "logged" });
  const { pseudonyms } = await served.app.call(sources.pseudonymsOf, { value: `0\0${line}` });
  expect(stored.map(({ eventId }) => eventId)).toEqual(pseudonyms);
});

test("a new key makes new pseudonyms, and whoever is known by old ones is still found and erased", async () => {
  const send = await sourceOf("rotated", { pseudonyms: ["userId"] });
  const visit = (messageId: string) => ({ type: "page", messageId, userId: "rita" });
  await send([visit("before")]);
  await served.app.call(sources.rotatePseudonymKey, {});
  await send([visit("after")]);
  const { events: stored } = await served.app.call(events.list, { source: "rotated", type: "page" });
  const { pseudonyms } = await served.app.call(sources.pseudonymsOf, { value: "rita" });
  expect(stored.map(({ userId }) => userId)).toEqual(pseudonyms);
  expect(new Set(pseudonyms).size).toBe(2);
  for (const id of pseudonyms) await served.app.call(events.erase, { id });
  expect(await served.app.call(events.traces, { ids: pseudonyms })).toMatchObject({ ok: true });
});

test("several who ask for a new key at once get one each", async () => {
  const made = await Promise.all([1, 2, 3, 4].map(() => served.app.call(sources.rotatePseudonymKey, {})));
  expect(new Set(made.map(({ number }) => number)).size).toBe(4);
});
