import type { LogMessage } from "@banyan/kernel/log";
import { expect, test } from "vitest";
import { byKey, idsOf, type LogProbe, messages, newGroup, newType, patiently } from "./probe.ts";

/** What is kept, and how it is read again: G1, G2, and the reading of what was kept. */
export function keepingClauses(probe: () => LogProbe): void {
  test("G1 what was appended is there for clients that come later", async () => {
    const type = newType();
    const sent = messages(type, 50, ["acme/1", "acme/2", "ümläut/ключ"]);
    const writer = await probe().log();
    await writer.append(sent);
    await writer.close({ deadlineMs: 1_000 });
    const { received, ids } = await probe().consume(await probe().log(), { name: newGroup(), types: [type] });
    await ids(50);
    expect(byKey(received)).toEqual(byKey(sent));
    expect(received.map(({ receipt, ...message }) => message)).toEqual(expect.arrayContaining(sent.map(asSent)));
  });

  test("G1 bytes come out as they went in, up to the largest size", async () => {
    const type = newType();
    const log = await probe().log();
    const body = Uint8Array.from({ length: log.traits.messageBytesMax }, (_, index) => (index * 31) % 256);
    const [message] = messages(type, 1) as [LogMessage];
    await log.append([{ ...message, body }]);
    const { received, ids } = await probe().consume(log, { name: newGroup(), types: [type] });
    await ids(1);
    expect(Buffer.compare(received[0]?.body as Uint8Array, body)).toBe(0);
  });

  test("its engine answers whoever asks after its health", async () => {
    const log = await probe().log();
    await log.server?.ping();
  });

  test("G2 messages of one key keep their order, within a call and over many under way at once", async () => {
    const type = newType();
    const log = await probe().log();
    const keys = Array.from({ length: 7 }, (_, index) => `acme/${index}`);
    const sent = messages(type, 2_000, keys);
    const calls: Promise<void>[] = [];
    for (let from = 0; from < sent.length; from += 150) calls.push(log.append(sent.slice(from, from + 150)));
    await Promise.all(calls);
    const { received, consumer, ids } = await probe().consume(log, {
      name: newGroup(),
      types: [type],
      inFlightMax: 5_000,
    });
    await ids(2_000);
    expect(byKey(received)).toEqual(byKey(sent));
    consumer.acknowledge(received);
  });

  test("G2 of one key nothing is kept behind a message that is refused", async () => {
    const type = newType();
    const log = await probe().log();
    const [before, large, behind] = messages(type, 3) as [LogMessage, LogMessage, LogMessage];
    const refused = { ...large, body: new Uint8Array(log.traits.messageBytesMax + 1) };
    await expect(log.append([before, refused, behind])).rejects.toMatchObject({
      code: "log.refused",
      details: { id: large.id },
    });
    await log.append([before, behind]);
    const { received, ids } = await probe().consume(log, { name: newGroup(), types: [type] });
    await ids(2);
    expect([...new Set(idsOf(received))]).toEqual([before.id, behind.id]);
  });

  test("an empty call keeps nothing, and a log is closed twice without harm", async () => {
    const log = await probe().log();
    await log.append([]);
    await log.close({ deadlineMs: 1_000 });
    await log.close({ deadlineMs: 1_000 });
  });

  test("what is kept can be read again, by type and from a time on, and no group moves by it", async ({ skip }) => {
    const log = await probe().log();
    if (!log.traits.replayable) skip("it is not replayable");
    const [type, other] = [newType(), newType()];
    const early = messages(type, 120, ["acme/1", "acme/2"]);
    await log.append(early);
    await log.append(messages(other, 5));
    // Engines keep times in whole milliseconds, by a clock of their own.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const since = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const late = messages(type, 30, ["acme/1", "acme/2"]);
    await log.append(late);
    const group = newGroup();
    const read = async (from: number) => {
      const pages = log.read({ types: [type], since: from, signal: AbortSignal.timeout(20_000) });
      const all: LogMessage[] = [];
      for await (const page of pages) all.push(...page);
      return all;
    };
    expect(byKey(await read(0))).toEqual(byKey([...early, ...late]));
    expect(idsOf(await read(since)).sort()).toEqual(idsOf(late).sort());
    expect(await read(Date.now() + 60_000)).toEqual([]);
    const { received, ids } = await probe().consume(log, { name: group, types: [type] });
    await ids(150);
    expect(byKey(received)).toEqual(byKey([...early, ...late]));
  });

  test("appending goes on when the connections were cut", async ({ skip }) => {
    const { interrupt } = probe().fixture;
    if (interrupt === undefined) skip("it cannot be interrupted from here");
    const type = newType();
    const log = await probe().log();
    const sent = messages(type, 400, ["acme/1", "acme/2", "acme/3"]);
    for (let from = 0; from < sent.length; from += 40) {
      if (from === 120) await interrupt?.();
      await patiently(() => log.append(sent.slice(from, from + 40)));
    }
    const { received } = await probe().consume(log, { name: newGroup(), types: [type], inFlightMax: 5_000 });
    await patiently(() => expect(new Set(idsOf(received)).size).toBe(400));
    expect(byKey(firstOnes(received))).toEqual(byKey(sent));
  });
}

const asSent = ({ body, ...rest }: LogMessage) => ({ ...rest, body: expect.toSatisfy(sameBytes(body)) });

const sameBytes = (body: Uint8Array) => (other: Uint8Array) => Buffer.compare(body, other) === 0;

/** Each message once, where it came first. */
export function firstOnes<T extends LogMessage>(received: readonly T[]): T[] {
  return [...new Map(received.toReversed().map((message) => [message.id, message] as const))]
    .map(([, message]) => message)
    .sort((one, other) => received.indexOf(one) - received.indexOf(other));
}
