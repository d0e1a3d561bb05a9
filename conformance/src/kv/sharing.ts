import type { KeyValues, Lock } from "@banyan/kernel/kv";
import { expect, test } from "vitest";
import { type KvProbe, patience } from "./probe.ts";

/** What clients have among them: buckets, locks, channels, and the loss of all of it: G3, G4, G5, G7. */
export function sharingClauses(probe: () => KvProbe): void {
  test("G3 a bucket hands out what it holds, to all together, and says when there is more", async () => {
    const clients = await probe().clients(3);
    const bucket = { capacity: 30, perSecond: 0.1 };
    const waits = await Promise.all(
      clients.flatMap((client) => Array.from({ length: 20 }, () => client.take("shared", 1, bucket))),
    );
    expect(waits.filter((wait) => wait === 0)).toHaveLength(30);
    for (const wait of waits.filter((one) => one > 0)) {
      expect(wait).toBeGreaterThan(1_000);
      expect(wait).toBeLessThanOrEqual(10_000);
    }
    const [one] = clients;
    expect(await one?.take("shared", 20, bucket)).toBeGreaterThan(190_000);
  });

  test("G3 a full bucket gives more than it holds, which is owed; what flows in is there again", async () => {
    const [one] = await probe().clients(1);
    const slow = { capacity: 10, perSecond: 1 };
    expect(await one?.take("owed", 100, slow)).toBe(0);
    const wait = await one?.take("owed", 1, slow);
    expect(wait).toBeGreaterThan(85_000);
    expect(wait).toBeLessThanOrEqual(91_000);
    const quick = { capacity: 10, perSecond: 100 };
    expect(await one?.take("flowing", 10, quick)).toBe(0);
    await expect.poll(() => one?.take("flowing", 10, quick), patience).toBe(0);
  });

  test("G4 a lock has one holder at a time, and each next one a higher fence", async () => {
    const clients = await probe().clients(4);
    const fences: number[] = [];
    for (let round = 0; round < 5; round++) {
      const locks = await Promise.all(clients.map((client) => client.lock("door", { ttlMs: 60_000 })));
      const [held, ...more] = locks.filter((lock) => lock !== undefined);
      expect(more).toEqual([]);
      fences.push((held as Lock).fence);
      expect([await held?.extend(60_000), await held?.release(), await held?.release()]).toEqual([true, true, false]);
    }
    expect(fences).toEqual([...new Set(fences)].sort((one, other) => one - other));
    expect(fences.every(Number.isSafeInteger)).toBe(true);
  });

  test("G4 a holder whose time is over cannot take it back from the next", async () => {
    const [one, other] = (await probe().clients(2)) as [KeyValues, KeyValues];
    const late = await one.lock("door", { ttlMs: 100 });
    const taken = async () => (held ??= await other.lock("door", { ttlMs: 60_000 }));
    let held: Lock | undefined;
    await expect.poll(taken, patience).toBeDefined();
    expect(held?.fence).toBeGreaterThan(late?.fence ?? Number.POSITIVE_INFINITY);
    expect([await late?.extend(60_000), await late?.release()]).toEqual([false, false]);
    expect([await held?.extend(60_000), await held?.release()]).toEqual([true, true]);
  });

  test("G5 subscribers hear what is published afterwards, in order, until they leave", async () => {
    const [one, other] = (await probe().clients(2)) as [KeyValues, KeyValues];
    const heard: string[][] = [[], [], []];
    await one.publish("news", "before");
    const leaves = [
      await one.subscribe("news", (message) => heard[0]?.push(message)),
      await other.subscribe("news", (message) => heard[1]?.push(message)),
      await other.subscribe("sports", (message) => heard[2]?.push(message)),
    ];
    const messages = Array.from({ length: 20 }, (_, at) => `ключ\n${at}`);
    for (const message of messages) await one.publish("news", message);
    await expect.poll(() => heard, patience).toEqual([messages, messages, []]);
    await leaves[0]?.();
    await other.publish("news", "later");
    await expect.poll(() => heard[1], patience).toEqual([...messages, "later"]);
    expect(heard[0]).toEqual(messages);
  });

  test("G5 a message that is too large is refused, and nobody hears of it", async () => {
    const kv = await probe().kv();
    const large = "x".repeat(kv.traits.messageBytesMax + 1);
    await expect(kv.space("probe").publish("news", large)).rejects.toMatchObject({ code: "kv.tooLarge" });
  });

  test("G7 a client whose connections were cut goes on by itself, and hears again", async () => {
    const [one] = (await probe().clients(1)) as [KeyValues];
    const heard: string[] = [];
    await one.subscribe("news", (message) => heard.push(message));
    probe().fixture.way.cut();
    const again = () => one.set("key", "value").catch(({ code }) => code);
    await expect.poll(again, patience).toBe(true);
    const hear = async () => {
      await one.publish("news", "again").catch(() => {});
      return heard.length;
    };
    await expect.poll(hear, patience).toBeGreaterThan(0);
  });
}
