import type { DatabaseTransaction, Table } from "../memory/database.ts";
import { type Dialect, dialectOf, type Statement } from "../memory/dialect.ts";
import { accounts, closings, confirmations, type Effect, entries, letters, notes, stamps, totals } from "./rows.ts";

/** What the handlers of bank and desk say. Effects have no key, so that one too many is stored and seen. */
export const bankDialect: Dialect = dialectOf({
  "SELECT balance FROM bank.account WHERE id = ?": (transaction, [id]) => [
    { balance: transaction.get(accounts, String(id)) ?? 0 },
  ],
  "INSERT INTO bank.account AS a (id, balance) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET balance = a.balance + excluded.balance RETURNING balance":
    async (transaction, [id, amount]) => [{ balance: await add(transaction, accounts, [id, amount]) }],
  "INSERT INTO bank.entry VALUES (?, ?, ?)": insertEffect(entries),
  "INSERT INTO bank.confirmation VALUES (?, ?, ?, ?, ?)": insertEffect(confirmations),
  "INSERT INTO desk.note VALUES (?, ?, ?, ?, ?)": insertEffect(notes),
  "INSERT INTO desk.letter VALUES (?, ?, ?, ?)": insertEffect(letters),
  "INSERT INTO desk.closing VALUES (?)": insertText(closings),
  "INSERT INTO desk.stamp VALUES (?)": insertText(stamps),
  "SELECT count(*) FROM desk.note WHERE account = ?": (transaction, [account]) => [
    { count: [...transaction.rows(notes).values()].filter((note) => note.account === account).length },
  ],
  "INSERT INTO desk.total AS t (id, amount) SELECT id, sum(amount) FROM unnest(?::text[], ?::bigint[]) AS given (id, amount) GROUP BY id ON CONFLICT (id) DO UPDATE SET amount = t.amount + excluded.amount":
    async (transaction, [ids, amounts]) => {
      for (const [at, id] of (ids as string[]).entries())
        await add(transaction, totals, [id, (amounts as number[])[at]]);
      return [];
    },
  "DELETE FROM desk.total": async (transaction) => {
    for (const id of transaction.rows(totals).keys()) await transaction.update(totals, id, () => undefined);
    return [];
  },
});

async function add(
  transaction: DatabaseTransaction,
  table: Table<number>,
  [id, amount]: readonly unknown[],
): Promise<number> {
  await transaction.update(table, String(id), (value = 0) => value + Number(amount));
  return transaction.get(table, String(id)) ?? 0;
}

function insertEffect(table: Table<Effect>): Statement {
  return async (transaction, [reference, account, amount, cause = "", version = 0]) => {
    const effect = { reference, account, amount, cause, version } as Effect;
    await transaction.insert(table, String(transaction.database.next(table.name)), effect);
    return [];
  };
}

function insertText(table: Table<string>): Statement {
  return async (transaction, [text]) => {
    await transaction.insert(table, String(transaction.database.next(table.name)), String(text));
    return [];
  };
}
