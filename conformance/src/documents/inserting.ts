import { expect, test } from "vitest";
import { type DocumentsProbe, daysAgo, fresh, newRoom, post, postsOf, setOf, today } from "./probe.ts";

/** What is kept, once, and what becomes of its key: G1 to G4, G6, G7. */
export function insertingClauses(probe: () => DocumentsProbe): void {
  test("G1 what was inserted is there for clients that come later, as it was", async () => {
    const content = {
      "ümläut.ключ": ["𝄞", "'; DROP TABLE", '\\"', "\\u0000", "\n"],
      deep: { a: [{ b: [null, true, -1.5e-7, 2 ** 53 - 1] }] },
      $set: { "a.b": 1, __proto: {} },
      // Names that a driver keeps to itself.
      odd: [{ _bsontype: "ObjectId", id: "x" }, { a: { _bsontype: 7 } }],
      empty: {},
    };
    const one = post({ author: "ann", content });
    expect(await (await probe().posts()).insert(fresh([one]))).toEqual(["inserted"]);
    const later = await probe().posts();
    expect(await later.get(one.room, one.id)).toEqual(one);
    expect(await later.get(one.room, "another")).toBeUndefined();
  });

  test("G1 many at once, and none", async () => {
    const set = await probe().posts();
    const room = newRoom();
    expect(await set.insert([])).toEqual([]);
    const verdicts = await set.insert(fresh(postsOf(room, 600, { content: { text: "x".repeat(200) } })));
    expect(verdicts).toEqual(Array(600).fill("inserted"));
    expect(await set.find({ where: { room }, limit: 1_000 })).toHaveLength(600);
  });

  test("G2 of several with one key the first counts, in one call as in many", async () => {
    const set = await probe().posts();
    const [first, second] = [post({ author: "ann" }), post({ author: "ben" })];
    const same = { ...second, room: first.room, id: first.id };
    expect(await set.insert(fresh([first, same, second]))).toEqual(["inserted", "duplicate", "inserted"]);
    expect(await set.insert(fresh([same, second]))).toEqual(["duplicate", "duplicate"]);
    expect((await set.get(first.room, first.id))?.author).toBe("ann");
    const values = { room: "a", id: 'b","c' };
    const others = [post(values), post({ room: 'a","b', id: "c" })];
    expect(await set.insert(fresh(others))).toEqual(["inserted", "inserted"]);
  });

  test("G2 of clients that race for the same keys each key has one winner", async () => {
    const sets = await Promise.all(Array.from({ length: 4 }, () => probe().posts()));
    const rivals = postsOf(newRoom(), 60);
    const verdicts = await Promise.all(sets.map((set) => set.insert(fresh(rivals))));
    for (const index of rivals.keys()) {
      expect(verdicts.filter((one) => one[index] === "inserted")).toHaveLength(1);
    }
  });

  test("G3 an insertion that is repeated, also by another client, is the same insertion", async () => {
    const [one, other] = [post(), post()];
    const insertions = fresh([one, other]);
    const set = await probe().posts();
    expect(await set.insert(insertions)).toEqual(["inserted", "inserted"]);
    const later = await probe().posts();
    expect(await later.insert([...insertions, ...fresh([one])])).toEqual(["inserted", "inserted", "duplicate"]);
    expect(await later.find({ where: { room: one.room }, limit: 10 })).toEqual([one]);
  });

  test("G4 a deleted document is gone, its key stays taken, and a repeated insertion does not bring it back", async () => {
    const set = await probe().posts();
    const room = newRoom();
    const insertions = fresh(postsOf(room, 5, { author: `${room} ann` }));
    const others = fresh(postsOf(room, 3));
    const known = await set.known();
    await set.insert([...insertions, ...others]);
    expect(await set.delete({ room, author: `${room} ann` })).toBe(5);
    expect(await set.delete({ author: `${room} ann` })).toBe(0);
    expect(await set.find({ where: { room }, limit: 10 })).toEqual(others.map(({ document }) => document));
    expect(await set.insert(insertions)).toEqual(Array(5).fill("inserted"));
    expect(await set.insert(fresh(insertions.map(({ document }) => document)))).toEqual(Array(5).fill("duplicate"));
    expect(await set.find({ where: { author: `${room} ann` }, limit: 10 })).toEqual([]);
    expect(await set.known()).toBe(known + 8);
    expect(await set.delete({ room, author: null })).toBe(3);
    expect(await set.find({ where: { room, author: null }, limit: 10 })).toEqual([]);
    await expect(set.delete({})).rejects.toThrow("say which");
  });

  test("G6 tenants have their own keys, and see and delete their own documents", async () => {
    const documents = await probe().documents();
    const [acme, globex] = [setOf(documents, "acme"), setOf(documents, "globex")];
    const one = post();
    expect(await acme.insert(fresh([one]))).toEqual(["inserted"]);
    expect(await globex.get(one.room, one.id)).toBeUndefined();
    expect(await globex.find({ where: { room: one.room }, limit: 10 })).toEqual([]);
    expect(await globex.delete({ room: one.room })).toBe(0);
    expect(await globex.insert(fresh([{ ...one, author: "another" }]))).toEqual(["inserted"]);
    expect(await acme.get(one.room, one.id)).toEqual(one);
  });

  test("G7 days that are over go, and nothing else; what comes for them later goes at the next turn", async () => {
    const documents = await probe().documents();
    const set = setOf(documents);
    const room = newRoom();
    const aged = [40, 30, 29, 0].map((days) => post({ room, receivedAt: daysAgo(days) }));
    await set.insert(fresh(aged));
    await documents.keep(today);
    const left = async () => (await set.find({ where: { room }, limit: 10 })).map(({ turn }) => turn);
    expect(await left()).toEqual([aged[2]?.turn, aged[3]?.turn]);
    expect(await set.insert(fresh(aged))).toEqual(Array(4).fill("duplicate"));
    const late = post({ room, receivedAt: daysAgo(35) });
    await set.insert(fresh([late]));
    await documents.keep(today);
    await documents.keep(today);
    expect(await left()).toEqual([aged[2]?.turn, aged[3]?.turn]);
  });

  test("what no engine takes is refused by name, and nothing of the call is kept", async () => {
    const documents = await probe().documents();
    const set = setOf(documents);
    const { documentBytesMax } = documents.traits;
    const neighbour = post();
    for (const text of ["a\0b", "\ud834", "x".repeat(documentBytesMax)]) {
      const one = post({ content: { text } });
      await expect(set.insert(fresh([neighbour, one]))).rejects.toMatchObject({
        code: "documents.refused",
        details: { key: JSON.stringify([one.room, one.id]) },
      });
    }
    expect(await set.get(neighbour.room, neighbour.id)).toBeUndefined();
  });

  test("what this engine alone does not take is refused, and is no outage", async () => {
    const set = await probe().posts();
    // 3 MB of JSON, and 18 MB as MongoDB's BSON.
    const numbers = Array(1_500_000).fill(1);
    const inserted = set.insert(fresh([post({ content: { numbers } })]));
    const outcome = await inserted.then(
      () => "kept",
      ({ code }) => code,
    );
    expect(["kept", "documents.refused"]).toContain(outcome);
  });
}
