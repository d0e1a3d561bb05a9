import type { CompiledSql } from "@banyan/kernel/store";

/** One SQL statement ready to send: its values are always parameters. Each connection prepares a text once. */
export interface Statement {
  /** SQL with `$1 … $n` in place of the values. */
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A literal's text is built once, so that every use of it is the same string and found quickly among the prepared. */
const texts = new WeakMap<readonly string[], string>();

/** Builds a statement from a template literal: `` sql`SELECT … WHERE id = ${id}` ``. A value never becomes SQL text. */
export function sql(literal: TemplateStringsArray, ...values: readonly unknown[]): Statement {
  let text = texts.get(literal);
  if (text === undefined) {
    text = literal.reduce((before, part, index) => `${before}$${index}${part}`);
    texts.set(literal, text);
  }
  return { text, values };
}

/** Makes a statement of fixed SQL text, or of what Kysely's `compile()` and other query builders return. */
export function statement(query: string | CompiledSql, values: readonly unknown[] = []): Statement {
  return typeof query === "string" ? { text: query, values } : { text: query.sql, values: query.parameters };
}
