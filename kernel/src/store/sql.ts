/** A statement that was compiled elsewhere, in Kysely's `CompiledQuery` shape. */
export interface CompiledSql {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * Runs SQL in the transaction of the handler that holds it. Each template literal is one named, prepared statement and
 * each `${}` one of its parameters, so that no value ever becomes SQL text:
 *
 *     const [account] = await ctx.sql<AccountRow>`SELECT * FROM ledger.account WHERE address = ${address}`;
 *
 * Statements run in the order of their calls. Raises `store.*` faults; a violated constraint is an error with the
 * SQLSTATE as `code` and the `constraint`'s name. In a query the transaction is read-only.
 */
export interface Sql {
  <Row = Record<string, unknown>>(strings: TemplateStringsArray, ...values: readonly unknown[]): Promise<Row[]>;
  <Row = Record<string, unknown>>(statement: CompiledSql): Promise<Row[]>;
}
