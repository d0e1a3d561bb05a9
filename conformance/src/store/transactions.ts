import { expect, test } from "vitest";
import { allUnsent, budget, fresh, markSent, newCommand, newEvent, newJob, nothing, type Probe } from "./probe.ts";

export function transactionClauses(probe: () => Probe): void {
  test("S1 rows, events, jobs and command records commit together", async () => {
    const { store, item } = probe();
    const [id, event, job, command] = [fresh("item"), newEvent(), newJob(), newCommand()];
    const transaction = store.beginCommands([], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    const { events } = await transaction.commit({ events: [event], jobs: [job], commands: [command] });
    expect(events).toEqual([{ ...event, version: 1, at: expect.any(Number), seq: expect.any(Number) }]);
    expect(await item(id)).toBe(1);
    expect(await store.jobs.claim([job.type], 10, { ms: 1_000, owner: "w" })).toHaveLength(1);
    expect((await allUnsent(store)).map((each) => each.id)).toContain(event.id);
    await markSent(store, events);
    const replay = store.beginCommands([command], budget());
    expect(await replay.open()).toHaveLength(1);
    await replay.rollback();
  });

  test("S1 after a rollback, or a commit that failed, nothing of it is there", async () => {
    const { store, item } = probe();
    const [id, event, job, command] = [fresh("item"), newEvent(), newJob(), newCommand()];
    const undone = store.beginCommands([], budget());
    await undone.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    await undone.rollback();
    await undone.rollback();
    const taken = newCommand();
    await store.beginCommands([], budget()).commit({ ...nothing, commands: [taken] });
    const failing = store.beginCommands([], budget());
    await failing.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    await expect(failing.commit({ events: [event], jobs: [job], commands: [command, taken] })).rejects.toMatchObject({
      name: "AlreadyRecorded",
    });
    await failing.rollback();
    expect(await item(id)).toBeUndefined();
    expect(await store.jobs.claim([job.type], 10, { ms: 1_000, owner: "w" })).toEqual([]);
    expect((await allUnsent(store)).map((each) => each.id)).not.toContain(event.id);
    const replay = store.beginCommands([command], budget());
    expect(await replay.open()).toEqual([]);
    await replay.rollback();
  });

  test("S2 a transaction that said nothing commits nothing and may still end", async () => {
    const { store } = probe();
    expect(await store.beginCommands([], budget()).commit(nothing)).toEqual({ events: [] });
    await store.beginCommands([], budget()).rollback();
  });

  test("statements run in the order of their calls, awaited or not, and see each other", async () => {
    const { store, item } = probe();
    const id = fresh("item");
    const transaction = store.beginCommands([], budget());
    const counts = await Promise.all([
      transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`,
      transaction.sql`UPDATE probe.item SET n = n * 10 WHERE id = ${id} RETURNING n`,
      transaction.sql`UPDATE probe.item SET n = n + 5 WHERE id = ${id} RETURNING n`,
    ]);
    expect(counts).toEqual([[], [{ n: 10 }], [{ n: 15 }]]);
    expect(await transaction.sql({ sql: "SELECT n FROM probe.item WHERE id = $1", parameters: [id] })).toEqual([
      { n: 15 },
    ]);
    await transaction.commit(nothing);
    expect(await item(id)).toBe(15);
  });

  test.each(["commit", "rollback"] as const)("savepoints and locks work, first or later, before a %s", async (end) => {
    const { store, item } = probe();
    const [id, left] = [fresh("item"), fresh("item")];
    for (const first of [`INSERT INTO probe.item VALUES ('${left}', 1)`, "LOCK TABLE probe.item IN ROW SHARE MODE"]) {
      const transaction = store.beginCommands([newCommand()], budget());
      await transaction.sql({ sql: first, parameters: [] });
      await transaction.sql`SAVEPOINT before`;
      await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
      await transaction.sql`ROLLBACK TO before`;
      await transaction[end](nothing);
    }
    expect([await item(id), await item(left)]).toEqual([undefined, end === "commit" ? 1 : undefined]);
  });

  test("nobody sees a transaction's rows before its commit", async () => {
    const { store, item } = probe();
    const id = fresh("item");
    const transaction = store.beginCommands([], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    expect(await item(id)).toBeUndefined();
    await transaction.commit(nothing);
    expect(await item(id)).toBe(1);
  });

  test("S7 a violated constraint is an error with SQLSTATE and constraint, and spoils the transaction until its rollback", async () => {
    const { store, item } = probe();
    const id = fresh("item");
    const transaction = store.beginCommands([], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    const violation = { code: "23514", constraint: "item_n_positive" };
    await expect(transaction.sql`INSERT INTO probe.item VALUES (${fresh("item")}, ${-1})`).rejects.toMatchObject(
      violation,
    );
    await expect(transaction.commit(nothing)).rejects.toMatchObject(violation);
    await transaction.rollback();
    expect(await item(id)).toBeUndefined();
  });

  test("S7 a failed statement that nobody awaited fails the commit", async () => {
    const { store, item } = probe();
    const id = fresh("item");
    const transaction = store.beginCommands([], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, 1)`;
    void transaction.sql`INSERT INTO probe.item VALUES (${fresh("item")}, ${-1})`;
    await expect(transaction.commit(nothing)).rejects.toMatchObject({ constraint: "item_n_positive" });
    await transaction.rollback();
    expect(await item(id)).toBeUndefined();
  });

  test("S7 of two transactions in each other's way one is contended, and may be tried again", async () => {
    const { store } = probe();
    const [a, b] = [fresh("item"), fresh("item")];
    const seed = store.beginCommands([], budget());
    await seed.sql`INSERT INTO probe.item VALUES (${a}, 0), (${b}, 0)`;
    await seed.commit(nothing);
    const [first, second] = [store.beginCommands([], budget()), store.beginCommands([], budget())];
    await first.sql`UPDATE probe.item SET n = 1 WHERE id = ${a}`;
    await second.sql`UPDATE probe.item SET n = 2 WHERE id = ${b}`;
    const outcomes = await Promise.allSettled([
      first.sql`UPDATE probe.item SET n = 1 WHERE id = ${b}`.finally(() => first.rollback()),
      second.sql`UPDATE probe.item SET n = 2 WHERE id = ${a}`.finally(() => second.rollback()),
    ]);
    const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(failures).toEqual([expect.objectContaining({ code: "store.contended", retry: "yes" })]);
  });

  test("S8 a statement that outlives its budget, or whose caller gives up, is cancelled at the server", async () => {
    const { store, item } = probe();
    const id = fresh("item");
    const abort = new AbortController();
    const slow = [store.beginCommands([], budget(50)), store.beginCommands([], budget(20_000, abort.signal))];
    const startedAt = performance.now();
    const failed = Promise.all(
      slow.map((transaction) =>
        expect(transaction.sql`INSERT INTO probe.item SELECT ${id}, 1 FROM pg_sleep(20)`).rejects.toMatchObject({
          code: "store.deadline",
        }),
      ),
    );
    setTimeout(() => abort.abort(), 50);
    await failed;
    await Promise.all(slow.map((transaction) => transaction.rollback()));
    await expect(store.read(budget(50))`SELECT pg_sleep(20)`).rejects.toMatchObject({ code: "store.deadline" });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    const [row] = await store.read(budget())`SELECT count(*) AS running FROM pg_stat_activity
      WHERE state = 'active' AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid() AND datname = current_database()`;
    expect(row).toEqual({ running: 0 });
    expect(await item(id)).toBeUndefined();
  });

  test("S8 a commit that waits for a lock is cancelled, too", async () => {
    const { store } = probe();
    const command = newCommand();
    const holder = store.beginCommands([], budget());
    await holder.sql`INSERT INTO banyan.command (id, body_hash, tenant, actor, action, trace_id, result)
      VALUES (${command.id}, '', '', '', '', '', '{}')`;
    const waiting = store.beginCommands([], budget(60));
    await expect(waiting.commit({ ...nothing, commands: [command] })).rejects.toMatchObject({ code: "store.deadline" });
    await waiting.rollback();
    await holder.rollback();
  });

  test("a query may only read", async () => {
    const { store } = probe();
    await expect(store.read(budget())`INSERT INTO probe.item VALUES (${fresh("item")}, 1)`).rejects.toMatchObject({
      code: "25006",
    });
  });

  test("a handler cannot end its transaction, nor use it afterwards", async () => {
    const { store, item } = probe();
    const id = fresh("item");
    const transaction = store.beginCommands([], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    await expect(transaction.sql`  /* sly */ commit`).rejects.toThrow(/the kernel ends the transaction/);
    expect(await item(id)).toBeUndefined();
    await transaction.rollback();
    await expect(transaction.sql`SELECT 1`).rejects.toThrow(/has ended/);
  });

  test("a store that stops lets open transactions end and opens no more", async () => {
    const { another, item } = probe();
    const [store, id] = [await another(), fresh("item")];
    const transaction = store.beginCommands([], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    const stopped = Promise.all([store.stop(budget()), store.stop(budget())]);
    await expect(store.beginCommands([], budget()).sql`SELECT 1`).rejects.toMatchObject({ code: "store.unavailable" });
    await transaction.sql`UPDATE probe.item SET n = 2 WHERE id = ${id}`;
    await transaction.commit(nothing);
    await stopped;
    expect(await item(id)).toBe(2);
  });

  test("a store that stops cuts what outlives its patience", async () => {
    const { another, item } = probe();
    const [store, id] = [await another(), fresh("item")];
    const transaction = store.beginCommands([], budget());
    await transaction.sql`INSERT INTO probe.item VALUES (${id}, ${1})`;
    await store.stop(budget(30));
    await expect(transaction.commit(nothing)).rejects.toMatchObject({ code: /^store\.(unavailable|uncertain)$/ });
    await transaction.rollback();
    expect(await item(id)).toBeUndefined();
  });
}
