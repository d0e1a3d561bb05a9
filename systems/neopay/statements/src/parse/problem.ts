import * as z from "zod";

/** Where and why a document, or one statement in it, was refused. Lines and columns count from 1. */
export const ParseProblem = z.object({
  /** Line of the text; null when the whole document is meant. */
  line: z.int().min(1).nullable(),
  /** What is wrong: an element path (`Stmt/Ntry/Amt`), an MT940 tag (`:61:`) or a CSV column. */
  at: z.string().nullable(),
  /** The statement that was refused, when its id had been read. */
  statementId: z.string().nullable(),
  /** What is wrong and what was expected, in one sentence. */
  reason: z.string(),
});
export type ParseProblem = z.infer<typeof ParseProblem>;

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
