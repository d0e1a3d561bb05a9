import type { DocumentQuery } from "@banyan/kernel/documents";
import { expect, test } from "vitest";
import { type DocumentsProbe, daysAgo, fresh, newRoom, type Post, post, postsOf, today } from "./probe.ts";

/** What is found, in which order, and what a client does that lost its engine: G5. */
export function readingClauses(probe: () => DocumentsProbe): void {
  test("G5 documents are found by all that is given, in the order of the collection", async () => {
    const set = await probe().posts();
    const room = newRoom();
    const ann = `ann of ${room}`;
    const all = [
      post({ room, at: 5, author: ann }),
      post({ room, at: 30, author: ann, receivedAt: daysAgo(1) }),
      post({ room, at: 30, author: "ben" }),
      post({ room, at: 4_000_000_000_000, author: ann, receivedAt: daysAgo(2) }),
      post({ room, at: -7, author: null }),
      post({ author: ann }),
    ];
    await set.insert(fresh(all.toReversed()));
    const found = async (query: Omit<DocumentQuery<Post>, "limit">, limit = 10) =>
      (await set.find({ ...query, limit })).map((one) => all.findIndex(({ turn }) => turn === one.turn));
    expect(await found({ where: { room } })).toEqual([4, 0, 1, 2, 3]);
    expect(await found({ where: { author: ann } })).toEqual([0, 1, 5, 3]);
    expect(await found({ where: { room, author: ann } })).toEqual([0, 1, 3]);
    expect(await found({ where: { room, author: undefined }, from: 5, to: 30 })).toEqual([0]);
    expect(await found({ where: { room, author: null } })).toEqual([4]);
    expect(await found({ where: { room }, from: 30 })).toEqual([1, 2, 3]);
    expect(await found({ where: { room }, to: 31 }, 2)).toEqual([4, 0]);
    expect(await found({ where: { room: `${room}%` } })).toEqual([]);
  });

  test("G5 pages miss nothing and show nothing twice, whatever comes meanwhile before the cursor", async () => {
    const set = await probe().posts();
    const room = newRoom();
    const all = [...postsOf(room, 25, { at: today }), ...postsOf(room, 25)];
    await set.insert(fresh(all));
    const seen: number[] = [];
    for (let after: number[] | undefined; ; ) {
      const page = await set.find({ where: { room }, after, limit: 7 });
      const last = page.at(-1);
      if (last === undefined) break;
      seen.push(...page.map(({ turn }) => turn));
      after = [last.at, last.turn];
      await set.insert(fresh([post({ room, at: 1 })]));
    }
    const inOrder = all.toSorted((one, other) => one.at - other.at || one.turn - other.turn);
    expect(seen).toEqual(inOrder.map(({ turn }) => turn));
  });

  test("G8 a client whose connection was cut goes on by itself", async () => {
    const set = await probe().posts();
    const one = post();
    await set.insert(fresh([one]));
    probe().fixture.way.cut();
    await expect.poll(() => set.get(one.room, one.id).catch(({ code }) => code), { timeout: 20_000 }).toEqual(one);
  });

  test("opening twice, and closing twice, is nothing to worry about", async () => {
    const [one] = await Promise.all([probe().documents(), probe().documents(), probe().documents()]);
    await one?.close({ deadlineMs: 1_000 });
    await one?.close({ deadlineMs: 1_000 });
  });
}
