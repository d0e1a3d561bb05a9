import type { Budget, DeadLetter, DeadLetters, OutboxEvent } from "@banyan/kernel/store";
import { close, enterInbox } from "./closing.ts";
import type { DatabaseTransaction } from "./database.ts";
import { sqlOf } from "./dialect.ts";
import { Lane, runOnce } from "./lane.ts";
import { announced, type Opener } from "./opener.ts";
import { type DeadLetterRow, deadLetters, events, storedEvent } from "./tables.ts";

export function createDeadLetters(opener: Opener): DeadLetters {
  return {
    bury: (subscriber, event, ...[attempts, error]) =>
      runOnce(opener, async (transaction) => {
        const { database } = transaction;
        if ((await enterInbox(transaction, subscriber, [event.id])).size === 0) return false;
        const id = String(database.next("dead_letter"));
        const letter = { id, subscriber, event: event.id, attempts, error, at: database.now() };
        await transaction.insert(deadLetters, id, { ...letter, position: database.next("dead_letter_position") });
        return true;
      }),
    list: ({ subscriber, limit, after }) =>
      runOnce(opener, async (transaction) =>
        [...transaction.rows(deadLetters).values()]
          .filter((row) => subscriber === undefined || row.subscriber === subscriber)
          .filter((row) => after === undefined || row.position < after)
          .sort((a, b) => b.position - a.position)
          .slice(0, limit)
          .map((row) => letterOf(transaction, row)),
      ),
    beginRedrive: (id, budget) => beginRedrive(opener, id, budget),
    refused: (id, error) =>
      runOnce(opener, (transaction) =>
        transaction.update(deadLetters, id, (row) => {
          const { database } = transaction;
          const position = database.next("dead_letter_position");
          return row && { ...row, attempts: row.attempts + 1, error, at: database.now(), position };
        }),
      ),
  };
}

async function beginRedrive(opener: Opener, id: string, budget: Budget): ReturnType<DeadLetters["beginRedrive"]> {
  const lane = new Lane(opener, budget);
  const letter = await lane
    .open(async (transaction) => {
      let taken: DeadLetterRow | undefined;
      await transaction.update(deadLetters, id, (row) => {
        taken = row;
        return undefined;
      });
      return taken && letterOf(transaction, taken);
    })
    .catch(async (error: unknown) => {
      await lane.rollback();
      throw error;
    });
  if (letter === undefined) {
    await lane.rollback();
    return undefined;
  }
  return {
    letter,
    transaction: {
      sql: sqlOf(opener.dialect, (work) => lane.run(work)),
      async commit(closing) {
        return announced(opener, closing, await lane.commit((transaction) => close(transaction, closing, [])));
      },
      rollback: () => lane.rollback(),
    },
  };
}

function letterOf(transaction: DatabaseTransaction, row: DeadLetterRow): DeadLetter {
  return { ...row, event: storedEvent(transaction.get(events, row.event) as OutboxEvent) };
}
