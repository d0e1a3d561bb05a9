import type { ParseProblem } from "./model.ts";

/** Thrown by readers inside one statement; the reader of the document turns it into a ParseProblem and goes on. */
export class ParseError extends Error {
  override readonly name = "ParseError";
  readonly line: number | null;
  readonly at: string | null;

  constructor({ line, at }: Pick<ParseProblem, "line" | "at">, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.line = line;
    this.at = at;
  }

  problem(statementId: string | null): ParseProblem {
    return { line: this.line, at: this.at, statementId, reason: this.message };
  }
}

/** Shortens what a stranger sent, so that a problem stays one readable line. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}

/** Runs a reader; a ParseError becomes the problem of that statement, anything else is a bug and goes on. */
export function problemOf(error: unknown, statementId: string | null): ParseProblem {
  if (error instanceof ParseError) return error.problem(statementId);
  throw error;
}
