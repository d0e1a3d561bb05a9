import { expect, test } from "vitest";
import { allUnsent, budget, fresh, markSent, newCommand, newEvent, nothing, type Probe } from "./probe.ts";

export function commandClauses(probe: () => Probe): void {
  test("S3 a replay finds the record as it was stored, byte for byte, a fault included", async () => {
    const { store } = probe();
    const done = newCommand();
    const fault = {
      code: "probe.refused",
      kind: "conflict",
      message: "no",
      details: { left: 3 },
      retry: "no",
    } as const;
    const refused = newCommand({ outcome: { fault } });
    await store.beginCommands([done], budget()).commit({ ...nothing, commands: [done] });
    await store.beginCommands([refused], budget()).refuse([refused]);
    const replay = store.beginCommands([done, refused], budget());
    const records = await replay.open();
    await replay.rollback();
    const plain = records.map((record) => ({ ...record, id: hex(record.id), bodyHash: hex(record.bodyHash) }));
    expect(plain).toHaveLength(2);
    for (const { id, bodyHash, ...rest } of [done, refused]) {
      expect(plain).toContainEqual({ ...rest, id: hex(id), bodyHash: hex(bodyHash) });
    }
  });

  test("S3 the look-up travels with the first statement, which then raises AlreadyRecorded and has no effect", async () => {
    const { store, item } = probe();
    const [done, id] = [newCommand(), fresh("item")];
    await store.beginCommands([done], budget()).commit({ ...nothing, commands: [done] });
    const replay = store.beginCommands([done], budget());
    const raised = replay.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    await expect(raised).rejects.toMatchObject({ name: "AlreadyRecorded", records: [{ outcome: done.outcome }] });
    await replay.rollback();
    expect(await item(id)).toBeUndefined();
  });

  test("S3 a first statement that the first run made impossible is still a replay", async () => {
    const { store } = probe();
    const [done, id] = [newCommand(), fresh("item")];
    const insert = async () => {
      const transaction = store.beginCommands([done], budget());
      await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`.catch(async (error: unknown) => {
        await transaction.rollback();
        throw error;
      });
      await transaction.commit({ ...nothing, commands: [done] });
    };
    await insert();
    await expect(insert()).rejects.toMatchObject({ name: "AlreadyRecorded" });
  });

  test("S3 of commands with the same key at the same time one takes effect, and all others get its record", async () => {
    const { store, other, item } = probe();
    const [command, id] = [newCommand(), fresh("item")];
    const seed = store.beginCommands([], budget());
    await seed.sql`INSERT INTO probe.item VALUES (${id}, 0)`;
    await seed.commit(nothing);
    const event = newEvent();
    const run = async (turn: number) => {
      const transaction = (turn % 2 ? store : other).beginCommands([command], budget());
      try {
        await transaction.sql`SELECT 1`;
        await transaction.sql`UPDATE probe.item SET n = n + 1 WHERE id = ${id}`;
        await transaction.commit({ ...nothing, events: [event], commands: [command] });
        return "done";
      } catch (error) {
        await transaction.rollback();
        return (error as Error).name;
      }
    };
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, turn) => run(turn)));
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "AlreadyRecorded")).toHaveLength(7);
    expect(await item(id)).toBe(1);
    await markSent(store, await allUnsent(store));
  });

  test("S3 a refusal undoes the transaction, is stored, and meets a record that was first", async () => {
    const { store, item } = probe();
    const id = fresh("item");
    const refused = newCommand({
      outcome: { fault: { code: "probe.no", kind: "conflict", message: "", details: null, retry: "no" } },
    });
    const transaction = store.beginCommands([refused], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    await transaction.refuse([refused]);
    expect(await item(id)).toBeUndefined();
    const late = store.beginCommands([], budget());
    await expect(late.refuse([refused])).rejects.toMatchObject({
      name: "AlreadyRecorded",
      records: [{ outcome: refused.outcome }],
    });
    await late.rollback();
  });

  test("S3 a refusal may follow a statement that failed", async () => {
    const { store } = probe();
    const refused = newCommand();
    const transaction = store.beginCommands([], budget());
    await expect(transaction.sql`INSERT INTO probe.item VALUES (${fresh("item")}, -1)`).rejects.toThrow();
    await transaction.refuse([refused]);
    const replay = store.beginCommands([refused], budget());
    expect(await replay.open()).toHaveLength(1);
    await replay.rollback();
  });

  test("S3 several commands in one transaction are recorded each, or none where one was recorded before", async () => {
    const { store } = probe();
    const [a, b, c] = [newCommand(), newCommand(), newCommand()];
    const group = store.beginCommands([a, b], budget());
    expect(await group.open()).toEqual([]);
    await group.commit({ ...nothing, commands: [a, b] });
    const late = store.beginCommands([], budget());
    await expect(late.commit({ ...nothing, commands: [c, b] })).rejects.toMatchObject({
      name: "AlreadyRecorded",
      records: [{ id: expect.toSatisfy((id: Uint8Array) => hex(id) === hex(b.id)) }],
    });
    await late.rollback();
    const check = store.beginCommands([a, b, c], budget());
    expect(await check.open()).toHaveLength(2);
    await check.rollback();
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
