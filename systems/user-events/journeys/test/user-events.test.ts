import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createDestinationsService } from "@banyan/user-events-destinations";
import { destinations } from "@banyan/user-events-destinations/contract";
import { eventsService } from "@banyan/user-events-events";
import { events } from "@banyan/user-events-events/contract";
import { intakeService } from "@banyan/user-events-intake";
import { intake } from "@banyan/user-events-intake/contract";
import { sourcesService } from "@banyan/user-events-sources";
import { sources } from "@banyan/user-events-sources/contract";
import { expect, inject, test } from "vitest";
import { describeInTopologies } from "../../../../tools/topologies.ts";
import { destinationsFolder } from "./destinations-folder.ts";

const patience = { timeout: 20_000, interval: 50 };

describeInTopologies(
  {
    title: "User Events",
    services: [sourcesService, intakeService, eventsService, createDestinationsService({ folder: destinationsFolder })],
    config: new URL("./banyan.config.ts", import.meta.url),
    postgresUrl: () => inject("postgresUrl"),
  },
  (call) => {
    const tallyOf = async (source: string) => {
      const { stored, duplicate, bad } = await call(events.tally, { source });
      return { stored, duplicate, bad };
    };

    test("what clients send is stored once, in the order of each of them, and nothing is lost on the way", async () => {
      const { writeKey } = await call(sources.create, { id: "site" });
      const people = ["ann", "ben", "cat", "dan", "eve"];
      const batchOf = (person: string, first: number) =>
        Array.from({ length: 10 }, (_, at) => ({
          type: "track",
          event: "Step",
          messageId: `${person}-${first + at}`,
          anonymousId: person,
          properties: { step: first + at },
        }));
      for (const first of [0, 10, 20]) {
        await Promise.all(people.map((person) => call(intake.batch, { writeKey, batch: batchOf(person, first) })));
      }
      await call(intake.batch, { writeKey, batch: [...batchOf("ann", 0), { type: "track" }] });
      await expect.poll(() => tallyOf("site"), patience).toEqual({ stored: 150, duplicate: 10, bad: 1 });
      const { events: stored } = await call(events.list, { source: "site", limit: 1_000 });
      for (const person of people) {
        const own = stored.filter(({ anonymousId }) => anonymousId === person);
        const inLog = own.toSorted((a, b) => a.offset - b.offset).map(({ properties }) => properties.step);
        expect(inLog).toEqual(Array.from({ length: 30 }, (_, at) => at));
      }
      expect(await call(events.verify, {})).toMatchObject({ ok: true, received: 161, inFlight: 0 });
    });

    test("answers from memory hold all that was stored five seconds before they were asked for", async () => {
      const { writeKey } = await call(sources.create, { id: "counted" });
      const hourMs = 3_600_000;
      const [from, to] = [-hourMs, hourMs].map((ms) => new Date(Date.now() + ms).toISOString());
      const asked = async () => {
        const askedMs = performance.now();
        const { rollups } = await call(events.rollups, { from: from ?? "", to: to ?? "", source: "counted" });
        return { askedMs, count: rollups.reduce((sum, { events: count }) => sum + count, 0) };
      };
      expect(await asked()).toMatchObject({ count: 0 });
      await call(intake.track, { writeKey, event: "Counted", userId: "ann" });
      await expect.poll(() => tallyOf("counted"), patience).toMatchObject({ stored: 1 });
      const storedMs = performance.now();
      let staleAtMs = storedMs;
      for (let answer = await asked(); answer.count === 0; answer = await asked()) staleAtMs = answer.askedMs;
      expect(staleAtMs - storedMs).toBeLessThan(5_000);
    });

    test("a schema that is registered holds for what comes a moment later, wherever it is stored", async () => {
      const { writeKey } = await call(sources.create, { id: "typed" });
      const definition = { type: "object", required: ["total"] };
      await call(sources.registerSchema, { vendor: "typed", name: "paid", version: "1-0-0", definition });
      const paid = (messageId: string, properties: object) => ({ messageId, event: "Paid", userId: "ann", properties });
      await call(intake.track, { writeKey, ...paid("p1", { total: 1 }) });
      await call(intake.track, { writeKey, ...paid("p2", {}) });
      await expect.poll(() => tallyOf("typed"), patience).toEqual({ stored: 1, duplicate: 0, bad: 1 });
      const { badRows } = await call(events.badRows, { source: "typed" });
      expect(badRows).toMatchObject([{ eventId: "p2", reason: "schemaMismatch" }]);
    });

    test("a visitor who signs up is one person in one session, until they are erased", async () => {
      const { writeKey } = await call(sources.create, {
        id: "club",
        pseudonyms: ["properties.email"],
        refusesBots: true,
      });
      const at = (minute: number) => `2026-10-05T09:${String(minute).padStart(2, "0")}:00Z`;
      const batch = [
        { type: "page", messageId: "v1", anonymousId: "visitor", timestamp: at(0) },
        {
          type: "identify",
          messageId: "v2",
          anonymousId: "visitor",
          userId: "vera",
          timestamp: at(10),
          traits: { email: "v@x" },
        },
        {
          type: "page",
          messageId: "v3",
          anonymousId: "visitor",
          timestamp: at(20),
          context: { userAgent: "curl/8.0" },
        },
        { type: "page", messageId: "v4", userId: "vera", timestamp: at(30) },
      ];
      await call(intake.batch, { writeKey, batch });
      await expect.poll(() => tallyOf("club"), patience).toEqual({ stored: 3, duplicate: 0, bad: 1 });
      const span = { from: "2026-10-05T00:00:00Z", to: "2026-10-06T00:00:00Z", source: "club" };
      expect((await call(events.sessions, span)).sessions).toMatchObject([{ person: "vera", events: 3 }]);
      const [identified] = (await call(events.list, { type: "identify", source: "club" })).events;
      expect(identified?.properties.email).toMatch(/^p1_/);
      const { ids } = await call(events.erase, { id: "visitor" });
      expect(ids).toEqual(["vera", "visitor"]);
      expect(await call(events.traces, { ids })).toMatchObject({ ok: true });
      expect((await call(events.sessions, span)).sessions).toEqual([]);
      expect(await call(events.verify, {})).toMatchObject({ ok: true });
    });

    test("a destination gets what came before it by a replay, and what comes after by itself, each once", async () => {
      const { writeKey } = await call(sources.create, { id: "feed" });
      const step = (messageId: string) => ({ type: "track", event: "Step", messageId, anonymousId: "walker" });
      await call(intake.batch, { writeKey, batch: ["d1", "d2"].map(step) });
      await expect.poll(() => tallyOf("feed"), patience).toMatchObject({ stored: 2 });
      const id = `feed-${randomUUID()}`;
      await call(destinations.create, { id, to: { kind: "files" }, filter: { sources: ["feed"] } });
      await call(intake.batch, { writeKey, batch: ["d2", "d3"].map(step) });
      await call(destinations.replay, { id, types: ["track"] });
      await call(destinations.replay, { id });
      const own = join(destinationsFolder, "default", id);
      const written = () => {
        const files = existsSync(own) ? readdirSync(own) : [];
        const lines = files.flatMap((file) => readFileSync(join(own, file), "utf8").trim().split("\n"));
        return lines.map((line) => /"eventId":"(\w+)"/.exec(line)?.[1]).sort();
      };
      await expect.poll(written, patience).toEqual(["d1", "d2", "d3"]);
      rmSync(own, { recursive: true });
    });

    test("a key that no source has is refused with its fault", async () => {
      const unknown = { writeKey: "nobody's", event: "Paid", userId: "ann" };
      await expect(call(intake.track, unknown)).rejects.toMatchObject({ code: "intake.unknownWriteKey" });
    });
  },
);
