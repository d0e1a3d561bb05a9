import { createHash } from "node:crypto";
import type { CompiledSql } from "@banyan/kernel/store";

/** One SQL statement ready to send: its values are always parameters, its name is the same whenever its text is. */
export interface Statement {
  /** At most 63 bytes; the key of the prepared statement on each connection. */
  readonly name: string;
  /** SQL with `$1 … $n` in place of the values. */
  readonly text: string;
  readonly values: readonly unknown[];
}

interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** Texts remembered with their name. A program writes few; a query builder may generate many, so the oldest are forgotten. */
const TEXTS_MAX = 5_000;

const byLiteral = new WeakMap<readonly string[], Prepared>();
const byText = new Map<string, Prepared>();

/**
 * Builds a statement from a template literal: `` sql`SELECT … WHERE id = ${id}` ``. A value never becomes SQL text.
 * The same literal always gives the same name, so that each connection parses and plans it once.
 */
export function sql(literal: TemplateStringsArray, ...values: readonly unknown[]): Statement {
  let prepared = byLiteral.get(literal);
  if (prepared === undefined) {
    prepared = prepare(literal.reduce((text, part, index) => `${text}$${index}${part}`));
    byLiteral.set(literal, prepared);
  }
  return { name: prepared.name, text: prepared.text, values };
}

/** Gives fixed SQL text, or a compiled query, the name under which connections prepare it. */
export function statement(query: CompiledSql): Statement;
export function statement(text: string, values?: readonly unknown[]): Statement;
export function statement(query: string | CompiledSql, values: readonly unknown[] = []): Statement {
  const { name, text } = prepare(typeof query === "string" ? query : query.sql);
  return { name, text, values: typeof query === "string" ? values : query.parameters };
}

function prepare(text: string): Prepared {
  let prepared = byText.get(text);
  if (prepared === undefined) {
    prepared = { name: `b${createHash("sha256").update(text).digest("hex").slice(0, 32)}`, text };
    if (byText.size >= TEXTS_MAX) byText.delete(byText.keys().next().value as string);
    byText.set(text, prepared);
  }
  return prepared;
}
