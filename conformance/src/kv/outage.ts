import type { KeyValues, Lock } from "@banyan/kernel/kv";
import { expect, onTestFinished, test } from "vitest";
import { endingOf, losses, lost, restore } from "../outage/losing.ts";
import { type KvProbe, patience } from "./probe.ts";

/** What clients have while their engine is away, and afterwards: G7. */
export function outageClauses(probe: () => KvProbe): void {
  test.each(losses)(
    "G7 an engine that is %s: all raises kv.unavailable in time, and then goes on and hears",
    async (how) => {
      const { way } = probe().fixture;
      const [one, other] = (await probe().clients(2)) as [KeyValues, KeyValues];
      const heard: string[] = [];
      const unheard: string[] = [];
      await one.subscribe("news", (message) => heard.push(message));
      const leave = await one.subscribe("news", (message) => unheard.push(message));
      const lock = (await one.lock("held", { ttlMs: 60_000 })) as Lock;
      const questions = everything(one, lock, (message) => unheard.push(message));
      const all = questions.map(() => ({ code: "kv.unavailable", isInTime: true }));
      expect(await lost(way, how, questions)).toEqual(all);
      if (how === "gone") expect(await Promise.all(questions.map(endingOf))).toEqual(all);
      await leave();
      restore(way);
      const again = (client: KeyValues) => client.set("key", "value").catch(({ code }) => code);
      for (const client of [one, other]) await expect.poll(() => again(client), patience).toBe(true);
      const hear = async () => {
        await other.publish("news", "again");
        return heard;
      };
      await expect.poll(hear, patience).toContain("again");
      await other.publish("news", "last");
      await expect.poll(() => heard, patience).toContain("last");
      expect(heard.filter((message) => message === "last")).toHaveLength(1);
      expect(unheard).toEqual([]);
    },
  );

  test.each(losses)("G7 an engine that is %s lets nobody open it, in time", async (how) => {
    const { way, createKv } = probe().fixture;
    onTestFinished(() => restore(way));
    const kv = createKv();
    const open = () => kv.open({ signal: AbortSignal.timeout(20_000) });
    expect(await lost(way, how, [open])).toEqual([{ code: "kv.unavailable", isInTime: true }]);
    await kv.close({ deadlineMs: 1_000 });
  });
}

function everything(kv: KeyValues, lock: Lock, listener: (message: string) => void) {
  return [
    () => kv.get("key"),
    () => kv.set("key", "value"),
    () => kv.delete("key"),
    () => kv.count("key", 1),
    () => kv.take("key", 1, { capacity: 1, perSecond: 1 }),
    () => kv.lock("key", { ttlMs: 1_000 }),
    () => lock.extend(1_000),
    () => lock.release(),
    () => kv.score("key", "ann", 1),
    () => kv.top("key", 1),
    () => kv.rank("key", "ann"),
    () => kv.publish("news", "unsaid"),
    () => kv.subscribe("news", listener),
  ];
}
