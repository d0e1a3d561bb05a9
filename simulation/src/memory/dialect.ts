import type { CompiledSql, Sql } from "@banyan/kernel/store";
import { type DatabaseTransaction, SqlError } from "./database.ts";
import type { ServerWork } from "./lane.ts";

/** What one statement does, given the values of its parameters. */
export type Statement = (
  transaction: DatabaseTransaction,
  values: readonly unknown[],
) => Promise<readonly object[]> | readonly object[];

/**
 * What the statements of a world's services do, by their text with `?` for each parameter and single spaces. Services under
 * simulation say a handful of statements; each is a function here, so that real handlers run without an SQL engine.
 */
export type Dialect = (text: string) => Statement | undefined;

/** A dialect of fixed statements. */
export function dialectOf(statements: Readonly<Record<string, Statement>>): Dialect {
  const known = new Map(Object.entries(statements).map(([text, statement]) => [normal(text), statement]));
  return (text) => known.get(text);
}

/** Makes what handlers hold as `ctx.sql`. */
export function sqlOf(dialect: Dialect, run: (work: ServerWork<unknown>) => Promise<unknown>): Sql {
  const call = (query: TemplateStringsArray | CompiledSql, ...given: readonly unknown[]): Promise<unknown> => {
    const [text, values] = "raw" in query ? [query.join("?"), given] : [query.sql, query.parameters];
    try {
      const statement = statementOf(dialect, normal(text));
      return run(async (transaction) => statement(transaction, values));
    } catch (error) {
      return Promise.reject(error);
    }
  };
  // The caller names the type of its rows; nothing at run time could know it.
  return call as Sql;
}

const endsTransaction = /^(?:BEGIN|COMMIT|END|ABORT|ROLLBACK(?! TO ))\b/i;

function statementOf(dialect: Dialect, text: string): Statement {
  if (endsTransaction.test(text)) throw new SqlError("the kernel ends the transaction; a handler may not", "2D000");
  const [, savepoint] = /^SAVEPOINT (\w+)$/i.exec(text) ?? [];
  if (savepoint !== undefined) return noRows((transaction) => transaction.savepoint(savepoint));
  const [, target] = /^ROLLBACK TO (\w+)$/i.exec(text) ?? [];
  if (target !== undefined) return noRows((transaction) => transaction.rollbackTo(target));
  const statement = dialect(text);
  if (statement === undefined) throw new SqlError(`the world's dialect has no statement "${text}"`, "42601");
  return statement;
}

function noRows(act: (transaction: DatabaseTransaction) => void): Statement {
  return (transaction) => {
    act(transaction);
    return [];
  };
}

function normal(text: string): string {
  return text
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/\$\d+/g, "?")
    .replace(/\s+/g, " ")
    .trim();
}
