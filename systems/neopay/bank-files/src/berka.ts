import { MoneyError, parseDecimal } from "@banyan/neopay-money";
import type { Direction, ParseProblem } from "./model.ts";
import { ParseError, problemOf, quoted } from "./problem.ts";
import { isCalendarDay } from "./xml-element.ts";

/** One transaction of the Berka bank (PKDD'99), in haléř. `balanceMinor` is the bank's own balance after it. */
export type BerkaRow = {
  line: number;
  transactionId: string;
  account: string;
  day: string;
  direction: Direction;
  amountMinor: number;
  balanceMinor: number;
  operation: string | null;
  symbol: string | null;
  counterBank: string | null;
  counterAccount: string | null;
};

/** A piece of the file: rows and refused lines in file order, each line in exactly one of the two. */
export type BerkaBatch = { rows: BerkaRow[]; problems: ParseProblem[] };

const COLUMNS = [
  "trans_id",
  "account_id",
  "date",
  "type",
  "operation",
  "amount",
  "balance",
  "k_symbol",
  "bank",
  "account",
];
const LINE_CHARS_MAX = 4_096;

// The published file is Czech (PRIJEM, VYDAJ, VYBER); its translations are as common.
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  credit: "credit",
  withdrawal: "debit",
  "withdrawal in cash": "debit",
  PRIJEM: "credit",
  VYDAJ: "debit",
  VYBER: "debit",
};

/**
 * Reads the file as it arrives, in batches of whatever a chunk holds, so that a million rows need little memory. A line
 * that is wrong becomes a problem with its number and column and the next is read. Throws ParseError when the first line
 * does not name the columns.
 */
export async function* readBerka(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<BerkaBatch> {
  const decoder = new TextDecoder();
  let columns: Map<string, number> | null = null;
  let rest = "";
  let line = 0;
  const take = (lines: readonly string[]): BerkaBatch => {
    const batch: BerkaBatch = { rows: [], problems: [] };
    for (const text of lines) {
      line += 1;
      if (columns === null) columns = readHeader(text);
      else if (text.trim() !== "") readLine({ text, line }, columns, batch);
    }
    return batch;
  };
  for await (const chunk of source) {
    const lines = (rest + (typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }))).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_CHARS_MAX)
      throw new ParseError(
        { line: line + lines.length + 1, at: null },
        `the line exceeds ${LINE_CHARS_MAX} characters`,
      );
    if (lines.length > 0) yield take(lines);
  }
  yield take([rest + decoder.decode()]);
}

function readHeader(text: string): Map<string, number> {
  const names = split(text);
  const missing = COLUMNS.filter((name) => !names.includes(name));
  if (missing.length === 0) return new Map(names.map((name, at) => [name, at]));
  throw new ParseError(
    { line: 1, at: missing[0] ?? null },
    `the first line lacks the column ${missing.join(", ")}; it names the columns, separated by ;`,
  );
}

function split(text: string): string[] {
  const fields = text.trimEnd().split(";");
  return text.includes('"')
    ? fields.map((field) =>
        field
          .trim()
          .replace(/^"(.*)"$/, "$1")
          .trim(),
      )
    : fields;
}

function readLine(
  { text, line }: { text: string; line: number },
  columns: Map<string, number>,
  batch: BerkaBatch,
): void {
  const fields = split(text.length > LINE_CHARS_MAX ? "" : text);
  try {
    if (fields.length !== columns.size) {
      throw new ParseError(
        { line, at: null },
        `the line has ${fields.length} fields of ${columns.size}; it may be cut short`,
      );
    }
    batch.rows.push(readRow((name) => fields[columns.get(name) ?? -1] ?? "", line));
  } catch (error) {
    batch.problems.push(problemOf(error, null));
  }
}

function readRow(field: (name: string) => string, line: number): BerkaRow {
  const direction = DIRECTIONS[field("type")];
  if (!direction)
    throw new ParseError({ line, at: "type" }, `${quoted(field("type"))} is neither credit nor withdrawal`);
  const amountMinor = readAmount(field, "amount", line);
  if (amountMinor <= 0) throw new ParseError({ line, at: "amount" }, `${quoted(field("amount"))} is not more than 0`);
  return {
    line,
    transactionId: readNumber(field, "trans_id", line),
    account: readNumber(field, "account_id", line),
    day: readDay(field("date"), line),
    direction,
    amountMinor,
    balanceMinor: readAmount(field, "balance", line),
    operation: field("operation") || null,
    symbol: field("k_symbol").trim() || null,
    counterBank: field("bank") || null,
    counterAccount: field("account") || null,
  };
}

function readAmount(field: (name: string) => string, name: string, line: number): number {
  try {
    return parseDecimal(field(name), "CZK");
  } catch (error) {
    if (error instanceof MoneyError) throw new ParseError({ line, at: name }, error.message, { cause: error });
    throw error;
  }
}

function readNumber(field: (name: string) => string, name: string, line: number): string {
  if (/^\d{1,18}$/.test(field(name))) return field(name);
  throw new ParseError({ line, at: name }, `${quoted(field(name))} is not a number`);
}

// YYMMDD of the last century: the bank's data ends in 1998.
function readDay(text: string, line: number): string {
  const day = /^\d{6}$/.test(text) ? `19${text.slice(0, 2)}-${text.slice(2, 4)}-${text.slice(4)}` : "";
  if (isCalendarDay(day)) return day;
  throw new ParseError({ line, at: "date" }, `${quoted(text)} is not a date YYMMDD`);
}
