import type { LogMessage } from "@banyan/kernel/log";
import { expect, test } from "vitest";
import { firstOnes } from "./keeping.ts";
import { byKey, idsOf, type LogProbe, messages, newGroup, newType, patiently } from "./probe.ts";

const soon = () => new Promise((resolve) => setTimeout(resolve, 300));

/** Who gets what, and what comes again: G3 to G7. */
export function consumingClauses(probe: () => LogProbe): void {
  test("G3 each group gets every message of its types, and no other", async () => {
    const [type, second, foreign] = [newType(), newType("told"), newType("foreign")];
    const log = await probe().log();
    const one = await probe().consume(log, { name: newGroup(), types: [type] });
    const both = await probe().consume(log, { name: newGroup(), types: [type, second] });
    const [a, b] = [messages(type, 20), messages(second, 20)];
    await log.append(a);
    await log.append(messages(foreign, 20));
    await log.append(b);
    expect(await one.ids(20)).toEqual(idsOf(a));
    await both.ids(40);
    expect(idsOf(both.received).sort()).toEqual(idsOf([...a, ...b]).sort());
    await soon();
    expect([one.received.length, both.received.length]).toEqual([20, 40]);
  });

  test("G3 a group begins where it is told, and goes on where it was", async () => {
    const type = newType();
    const log = await probe().log();
    await log.append(messages(type, 5));
    const late = await probe().consume(log, { name: newGroup(), types: [type], from: "latest" });
    const name = newGroup();
    const first = await probe().consume(log, { name, types: [type] });
    await first.ids(5);
    first.consumer.acknowledge(first.received);
    await first.consumer.close();
    const next = messages(type, 5);
    await log.append(next);
    expect(await late.ids(5)).toEqual(idsOf(next));
    const again = await probe().consume(log, { name, types: [type], from: "latest" });
    expect(await again.ids(5)).toEqual(idsOf(next));
  });

  test("G3 a group that takes one type more gets it from then on, and goes on with the others", async () => {
    const [type, added] = [newType(), newType("added")];
    const log = await probe().log();
    const name = newGroup();
    const before = await probe().consume(log, { name, types: [type] });
    const first = messages(type, 3);
    await log.append(first);
    await before.ids(3);
    before.consumer.acknowledge(before.received);
    await before.consumer.close();
    const after = await probe().consume(log, { name, types: [type, added] });
    const [more, fresh] = [messages(type, 3), messages(added, 3)];
    await log.append([...more, ...fresh]);
    await patiently(() => expect(idsOf(after.received)).toEqual(expect.arrayContaining(idsOf([...more, ...fresh]))));
    expect(idsOf(after.received)).not.toEqual(expect.arrayContaining(idsOf(first)));
  });

  test("G4 what was not acknowledged comes again to the next consumer, before what is later of its key", async () => {
    const type = newType();
    const log = await probe().log();
    const name = newGroup();
    const sent = messages(type, 30, ["acme/1", "acme/2", "acme/3"]);
    await log.append(sent);
    const first = await probe().consume(log, { name, types: [type] });
    await first.ids(30);
    const done = first.received.filter(({ key }) => key === "acme/2");
    first.consumer.acknowledge(done);
    await first.consumer.close();
    const later = messages(type, 30, ["acme/1", "acme/2", "acme/3"]);
    await log.append(later);
    const second = await probe().consume(await probe().log(), { name, types: [type] });
    const wanted = byKey([...sent.filter(({ key }) => key !== "acme/2"), ...later]);
    await patiently(() => expect(byKey(firstOnes(second.received))).toMatchObject(atLeast(wanted)));
    for (const key of ["acme/1", "acme/3"]) expect(byKey(firstOnes(second.received))[key]).toEqual(wanted[key]);
  });

  test("G4 a client that died without a word leaves what it held to the next", async () => {
    const type = newType();
    const [writer, dying] = [await probe().log(), await probe().log()];
    const name = newGroup();
    const sent = messages(type, 20, ["acme/1", "acme/2"]);
    await writer.append(sent);
    const first = await probe().consume(dying, { name, types: [type] });
    await first.ids(20);
    await dying.close({ deadlineMs: 0 });
    const second = await probe().consume(writer, { name, types: [type] });
    await second.ids(20);
    expect(byKey(firstOnes(second.received))).toEqual(byKey(sent));
  });

  test("G5 no more than inFlightMax wait for their acknowledgement", async () => {
    const type = newType();
    const log = await probe().log();
    const sent = messages(type, 100, ["acme/1", "acme/2", "acme/3"]);
    await log.append(sent);
    const { received, consumer, ids } = await probe().consume(log, {
      name: newGroup(),
      types: [type],
      inFlightMax: 10,
    });
    let acknowledged = 0;
    while (acknowledged < sent.length) {
      await ids(Math.min(acknowledged + 10, sent.length));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(received.length - acknowledged).toBeLessThanOrEqual(10);
      const next = received.slice(acknowledged, acknowledged + 7);
      consumer.acknowledge(next);
      acknowledged += next.length;
    }
    expect(byKey(received)).toEqual(byKey(sent));
  });

  test("G5 no message is given while inFlightBytesMax of bodies wait for their acknowledgement", async () => {
    const type = newType();
    const log = await probe().log();
    const bodyBytes = 20_000;
    const large = new Uint8Array(log.traits.messageBytesMax);
    const sent = messages(type, 60, ["acme/1", "acme/2", "acme/3"]).map((message, index) => ({
      ...message,
      body: index === 20 ? large : new Uint8Array(index % 2 === 0 ? bodyBytes : 100),
    }));
    await log.append(sent);
    const inFlightBytesMax = 5 * bodyBytes;
    const heard = await probe().consume(log, { name: newGroup(), types: [type], inFlightBytesMax });
    const bytesOf = (some: readonly LogMessage[]) => some.reduce((sum, { body }) => sum + body.length, 0);
    let acknowledged = 0;
    while (acknowledged < sent.length) {
      const held = () => heard.received.slice(acknowledged);
      // As much as there may be, and then no more.
      await patiently(() => {
        const isAll = heard.received.length === sent.length;
        expect(isAll || bytesOf(held()) >= inFlightBytesMax).toBe(true);
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(bytesOf(held().slice(0, -1))).toBeLessThan(inFlightBytesMax);
      const next = held().slice(0, 7);
      heard.consumer.acknowledge(next);
      acknowledged += next.length;
    }
    expect(byKey(heard.received)).toEqual(byKey(sent));
    expect([heard.lost, heard.refused]).toEqual([[], []]);
  });

  test("G4 what is held for long does not come to the same consumer twice", async () => {
    const type = newType();
    const log = await probe().log();
    const { received, ids } = await probe().consume(log, { name: newGroup(), types: [type] });
    await log.append(messages(type, 3));
    await ids(3);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(received).toHaveLength(3);
  });

  test("G6 a consumer whose connection was cut takes up again by itself", async ({ skip }) => {
    const { interrupt } = probe().fixture;
    if (interrupt === undefined) skip("it cannot be interrupted from here");
    const type = newType();
    const log = await probe().log();
    const heard = await probe().consume(log, { name: newGroup(), types: [type] });
    const sent = messages(type, 40, ["acme/1", "acme/2"]);
    await log.append(sent.slice(0, 20));
    await heard.ids(20);
    // Those of one key come in order; of several, as the engine likes.
    const [done, held] = [heard.received.slice(0, 6), heard.received.slice(6)];
    heard.consumer.acknowledge(done);
    await interrupt?.();
    await patiently(() => expect(heard.lost.length).toBeGreaterThan(0));
    await patiently(() => log.append(sent.slice(20)));
    await patiently(() => expect(new Set(idsOf(heard.received)).size).toBe(40));
    const again = heard.received.slice(20);
    await patiently(() => expect(idsOf(again)).toEqual(expect.arrayContaining(idsOf(held))));
    expect(byKey(firstOnes(heard.received))).toEqual(byKey(sent));
  });

  test("G7 bytes that are no message are skipped and counted", async ({ skip }) => {
    const { plant } = probe().fixture;
    if (plant === undefined) skip("nobody can put such bytes there");
    const type = newType();
    const log = await probe().log();
    const name = newGroup();
    const sent = messages(type, 4);
    await log.append(sent.slice(0, 2));
    await plant?.(type);
    await log.append(sent.slice(2));
    const first = await probe().consume(log, { name, types: [type] });
    await first.ids(4);
    await patiently(() => expect(first.refused.length).toBeGreaterThan(0));
    first.consumer.acknowledge(first.received);
    await first.consumer.close();
    const more = messages(type, 2);
    await log.append(more);
    const second = await probe().consume(log, { name, types: [type] });
    await second.ids(2);
    expect(idsOf(second.received)).toEqual(idsOf(more));
    expect(second.refused).toEqual([]);
  });

  test("a group's lag is what it has not acknowledged", async () => {
    const type = newType();
    const log = await probe().log();
    const group = { name: newGroup(), types: [type] };
    const { received, consumer, ids } = await probe().consume(log, group);
    await log.append(messages(type, 10));
    await ids(10);
    expect(await log.lag(group)).toBe(10);
    consumer.acknowledge(received.slice(0, 4));
    await patiently(async () => expect(await log.lag(group)).toBe(6));
    consumer.acknowledge(received.slice(4));
    await patiently(async () => expect(await log.lag(group)).toBe(0));
  });
}

/** At least these, key by key: what was acknowledged may come again. */
const atLeast = (wanted: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(wanted).map(([key, ids]) => [key, expect.arrayContaining(ids)]));
