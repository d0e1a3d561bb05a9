import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { destinations } from "@banyan/user-events-destinations/contract";
import { events } from "@banyan/user-events-events/contract";
import { importEvents } from "@banyan/user-events-imports";
import { sources } from "@banyan/user-events-sources/contract";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { describeInPlaces, Running } from "./placed.ts";

// biome-ignore lint/style/noProcessEnv: how long tests try is said from outside
const profile = process.env.BANYAN_FAULTS;
const kills = { full: 5, release: 20 }[profile ?? ""] ?? 2;
const clicks = fileURLToPath(new URL("../../../../../shared/data/user-events/usagov-clicks.ndjson", import.meta.url));
const patience = { timeout: 60_000, interval: 50 };
const people = ["ann", "ben", "cat", "dan"];

describeInPlaces("User Events", (place) => {
  let running: Running;
  beforeAll(async () => {
    running = await Running.in(await place(), inject("postgresUrl"));
  }, 60_000);
  afterAll(() => running?.close(), 60_000);

  const stepOf = (person: string, step: number, more: object = {}) => {
    return {
      type: "track",
      event: "Step",
      messageId: `${person}-${step}`,
      anonymousId: person,
      properties: { step },
      ...more,
    };
  };
  const tally = async () => {
    const { stored, duplicate, bad } = await running.call(events.tally, { source: "site" });
    return { stored, duplicate, bad };
  };
  const conservation = () => running.call(events.verify, {});
  const settled = () => expect.poll(conservation, patience).toMatchObject({ ok: true, inFlight: 0 });

  test.skipIf(!existsSync(clicks))(
    "the click stream of 1.usa.gov (skipped where shared/data is absent): clicks once, heartbeats refused, then duplicates only",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "clicks-"));
      const lines = readFileSync(clicks, "utf8")
        .trimEnd()
        .split("\n")
        .slice(0, profile === undefined ? 300 : undefined);
      writeFileSync(join(folder, "clicks.ndjson"), lines.join("\n"));
      const heartbeats = lines.filter((line) => line.includes('"_heartbeat_"')).length;
      const { signal } = new AbortController();
      const { call } = running;
      const pass = () => importEvents({ files: [join(folder, "clicks.ndjson")], call, progress: () => {}, signal });
      const accepted = lines.length - heartbeats;
      expect(heartbeats).toBeGreaterThan(0);
      expect(await pass()).toMatchObject({
        accepted,
        duplicate: 0,
        refused: heartbeats,
        reasons: { unknownShape: heartbeats },
      });
      expect(await pass()).toMatchObject({ accepted: 0, duplicate: lines.length, refused: 0 });
      await settled();
      rmSync(folder, { recursive: true });
    },
    120_000,
  );

  test(`killed ${kills} times in the middle: every event is stored once, in the order of each person, and is once in a destination's file`, async () => {
    let acknowledged = 0;
    let isOver = false;
    /** As a client does that wants nothing lost: the same batch again until it is answered. */
    const sendAll = async (person: string): Promise<number> => {
      for (let first = 0; ; first += 10) {
        const batch = Array.from({ length: 10 }, (_, at) => stepOf(person, first + at));
        while ((await running.send(batch).catch(() => undefined))?.status !== 202) await delay(20);
        acknowledged += batch.length;
        if (isOver) return first + batch.length;
      }
    };
    const { stored: before } = await tally();
    await running.call(destinations.create, { id: "archive", to: { kind: "files" }, filter: { names: ["Step"] } });
    const sending = people.map(sendAll);
    for (let kill = 0; kill < kills; kill++) {
      const reached = acknowledged + 100;
      await expect.poll(() => acknowledged, patience).toBeGreaterThan(reached);
      await running.kill();
      await running.start();
    }
    isOver = true;
    const counts = await Promise.all(sending);
    await settled();
    const total = counts.reduce((sum, count) => sum + count, 0);
    expect((await tally()).stored - before).toBe(total);
    await expect.poll(() => running.linesOf("archive").length, patience).toBeGreaterThanOrEqual(total);
    const archived = running.linesOf("archive").map((line): string => JSON.parse(line).eventId);
    expect([archived.length, new Set(archived).size]).toEqual([total, total]);
    for (const [at, person] of people.entries())
      expect(await stepsInLog(person)).toEqual([...Array(counts[at]).keys()]);
  }, 600_000);

  /** Steps of one person in the order of the log. */
  async function stepsInLog(person: string): Promise<unknown[]> {
    const found = [];
    for (let after: string | undefined; ; ) {
      const page = await running.call(events.list, { source: "site", limit: 1_000, ...(after && { after }) });
      found.push(...page.events.filter(({ anonymousId }) => anonymousId === person));
      if (page.next === null) break;
      after = page.next;
    }
    return found.toSorted((one, other) => one.offset - other.offset).map(({ properties }) => properties.step);
  }

  test("a poison event is tried five times, is dead, and is stored when its schema is mended and it is redriven; its neighbours never wait", async () => {
    const poison = stepOf("eve", 1, { event: "Poison", context: { schema: "site/poison/1-0-0" } });
    const neighbour = (step: number) => stepOf("eve", step, { event: "Neighbour" });
    await running.send([neighbour(0), poison, neighbour(2)]);
    const of = async (eventId: string) =>
      (await running.call(events.badRows, {})).badRows.find((row) => row.eventId === eventId);
    await expect.poll(() => of("eve-1"), patience).toMatchObject({ reason: "unknownSchema" });
    expect((await running.call(events.list, { name: "Neighbour" })).events).toHaveLength(2);
    await expect.poll(() => of("eve-1"), patience).toMatchObject({ state: "dead", attempts: 5 });
    const definition = { type: "object", required: ["step"] };
    await running.call(sources.registerSchema, { vendor: "site", name: "poison", version: "1-0-0", definition });
    const { id = "" } = (await of("eve-1")) ?? {};
    expect(await running.call(events.redrive, { id })).toEqual({ outcome: "stored" });
    expect((await running.call(events.list, { name: "Poison" })).events).toMatchObject([{ eventId: "eve-1" }]);
    await settled();
  }, 60_000);

  test("who signs up is one person in one session; erased they leave no trace, and what was erased is not stored again", async () => {
    const at = (minute: number) => ({ anonymousId: "visitor", timestamp: `2026-10-05T09:0${minute}:00Z` });
    const visit = [
      { type: "page", messageId: "visit-1", ...at(0) },
      { type: "identify", messageId: "visit-2", userId: "vera", ...at(1) },
      { type: "track", event: "Bought", messageId: "visit-3", userId: "vera", ...at(2) },
    ];
    const { stored, duplicate } = await tally();
    await running.send(visit);
    await settled();
    const span = { from: "2026-10-05T00:00:00Z", to: "2026-10-06T00:00:00Z" };
    const sessions = async () => (await running.call(events.sessions, { ...span, person: "vera" })).sessions;
    expect(await sessions()).toMatchObject([{ person: "vera", events: 3 }]);
    const { ids } = await running.call(events.erase, { id: "visitor" });
    expect(ids).toEqual(["vera", "visitor"]);
    expect(await running.call(events.traces, { ids })).toMatchObject({ ok: true });
    expect(await sessions()).toEqual([]);
    await running.send(visit);
    await settled();
    expect(await tally()).toMatchObject({ stored: stored + 3, duplicate: duplicate + 3 });
    expect(await running.call(events.traces, { ids })).toMatchObject({ ok: true });
  }, 60_000);

  test("storing that stands still: 202 up to the bound, then 429; everything arrives when it goes on", async () => {
    const { stored } = await tally();
    const goOn = await running.holdUpStoring();
    for (let step = 0; step < 20; step++) expect((await running.send([stepOf("fay", step)])).status).toBe(202);
    // As if so many had come: the bound is 200,000.
    const more = (count: number) =>
      running.sql(
        `UPDATE intake.partition SET appended = appended + ${count} WHERE partition = (SELECT min(partition) FROM intake.partition)`,
      );
    await more(200_000);
    const refused = await running.send([stepOf("fay", 20)]);
    expect([refused.status, refused.body.code, refused.headers.get("retry-after")]).toEqual([
      429,
      "intake.backlogged",
      "1",
    ]);
    await more(-200_000);
    expect((await tally()).stored).toBe(stored);
    await goOn();
    await expect.poll(async () => (await tally()).stored - stored, patience).toBe(20);
    await settled();
  }, 120_000);
});
