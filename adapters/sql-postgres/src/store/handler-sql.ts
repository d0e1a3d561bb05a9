import type { CompiledSql, Sql } from "@banyan/kernel/store";
import { SqlError } from "../failure.ts";
import { type Statement, sql, statement } from "../statement.ts";

/** Statements that would end the transaction in which the kernel's rows are still to be written. Savepoints may be used. */
const ENDS_TRANSACTION =
  /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:BEGIN|START\s+TRANSACTION|COMMIT|END|ABORT|PREPARE\s+TRANSACTION|ROLLBACK(?!\s+(?:WORK\s+|TRANSACTION\s+)?TO\b))\b/i;

/** What needs no BEGIN before it. All else gets one: SAVEPOINT, LOCK and SET LOCAL work in a block alone. */
const READS_OR_WRITES = /^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|VALUES)\b/i;

/** Whether the statement works only between BEGIN and COMMIT, or may do. */
export function needsBlock({ text }: Statement): boolean {
  return !READS_OR_WRITES.test(text);
}

/** Makes what handlers hold as `ctx.sql` of something that runs statements. */
export function sqlOf(rowsOf: (statement: Statement) => Promise<unknown[]>): Sql {
  const call = (query: TemplateStringsArray | CompiledSql, ...values: readonly unknown[]): Promise<unknown[]> => {
    const built = "raw" in query ? sql(query, ...values) : statement(query);
    if (needsBlock(built) && ENDS_TRANSACTION.test(built.text)) {
      const message = "the kernel ends the transaction; a handler may not";
      return Promise.reject(new SqlError(message, { code: "2D000", statement: built.text }));
    }
    return rowsOf(built);
  };
  // The caller names the type of its rows; nothing at run time could know it.
  return call as Sql;
}
