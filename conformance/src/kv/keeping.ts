import { expect, test } from "vitest";
import { type KvProbe, patience } from "./probe.ts";

/** Values, counters, boards, and whose they are: G1, G2, G6. */
export function keepingClauses(probe: () => KvProbe): void {
  test("G1 what one client sets another gets, until it is deleted", async () => {
    const [one, other] = await probe().clients(2);
    const texts = ["", "𝄞 ümläut", "\"\\\n'; DROP", "x".repeat(100_000)];
    for (const [at, text] of texts.entries()) {
      expect(await one?.set(`key ключ ${at}`, text)).toBe(true);
      expect(await other?.get(`key ключ ${at}`)).toBe(text);
    }
    expect(await other?.set("key ключ 0", "another", { ifAbsent: true })).toBe(false);
    expect(await other?.get("key ключ 0")).toBe("");
    expect([await other?.delete("key ключ 0"), await one?.delete("key ключ 0")]).toEqual([true, false]);
    expect(await one?.get("key ключ 0")).toBeUndefined();
    expect(await one?.set("key ключ 0", "again", { ifAbsent: true })).toBe(true);
  });

  test("G1 what has a time to live is gone when it is over; set again without, it stays", async () => {
    const [one] = await probe().clients(1);
    await one?.set("short", "a", { ttlMs: 150 });
    await one?.set("kept", "a", { ttlMs: 150 });
    await one?.set("kept", "b");
    await one?.set("long", "c", { ttlMs: 60_000 });
    await one?.count("counter", 5, { ttlMs: 150 });
    await expect.poll(() => one?.get("short"), patience).toBeUndefined();
    expect([await one?.get("kept"), await one?.get("long")]).toEqual(["b", "c"]);
    expect(await one?.set("short", "d", { ifAbsent: true })).toBe(true);
    expect(await one?.delete("short")).toBe(true);
    await expect.poll(() => one?.count("counter", 0, { ttlMs: 150 }), patience).toBe(0);
  });

  test("G2 counters and scores lose no addition of clients that add at once", async () => {
    const clients = await probe().clients(4);
    const additions = clients.flatMap((client, at) =>
      Array.from({ length: 50 }, () => [client.count("visits", at + 1), client.score("board", "ann", 0.5)]).flat(),
    );
    await Promise.all(additions);
    const [one] = clients;
    expect(await one?.count("visits", 0)).toBe(50 * (1 + 2 + 3 + 4));
    expect(await one?.count("visits", -501)).toBe(-1);
    expect(await one?.score("board", "ann", 0)).toBe(100);
  });

  test("G2 a board has the highest first, with who sorts last first among equals", async () => {
    const [one] = await probe().clients(1);
    const scores = { ann: 10, ben: -3, cat: 10, ümläut: 2.5, Zoe: 10 };
    for (const [member, by] of Object.entries(scores)) await one?.score("board", member, by);
    const all = [
      { member: "cat", score: 10 },
      { member: "ann", score: 10 },
      { member: "Zoe", score: 10 },
      { member: "ümläut", score: 2.5 },
      { member: "ben", score: -3 },
    ];
    expect(await one?.top("board", 10)).toEqual(all);
    expect(await one?.top("board", 2)).toEqual(all.slice(0, 2));
    for (const [at, { member }] of all.entries()) expect(await one?.rank("board", member)).toBe(at + 1);
    expect(await one?.rank("board", "nobody")).toBeUndefined();
    expect(await one?.top("another", 10)).toEqual([]);
  });

  test("G6 one name is as many things as there are kinds, and each space has its own", async () => {
    const kv = await probe().kv();
    const [one, other] = [kv.space("probeOne"), kv.space("probeTwo")];
    await one.set("name", "value");
    await one.count("name", 1);
    await one.score("name", "ann", 1);
    const lock = await one.lock("name", { ttlMs: 60_000 });
    expect(await one.take("name", 1, { capacity: 1, perSecond: 0.001 })).toBe(0);
    expect(await other.get("name")).toBeUndefined();
    expect(await other.count("name", 0)).toBe(0);
    expect(await other.top("name", 1)).toEqual([]);
    expect(await other.take("name", 1, { capacity: 1, perSecond: 0.001 })).toBe(0);
    const others = await other.lock("name", { ttlMs: 60_000 });
    expect([await lock?.release(), await others?.release()]).toEqual([true, true]);
  });
}
