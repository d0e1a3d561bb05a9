import { createHash } from "node:crypto";
import { isCurrencyCode, MoneyError, parseDecimal } from "@banyan/neopay-money";
import { parse } from "csv-parse/sync";
import { unguardFormula } from "./csv-formula.ts";
import type { Balance, BankStatement, ParsedStatements, StatementEntry } from "./model.ts";
import { ParseError, problemOf, quoted } from "./problem.ts";
import { signedMinor, tie } from "./tie.ts";
import { isCalendarDay } from "./xml-element.ts";

/**
 * The columns, by name in the first line, in any order. `account`, `currency`, `bookedOn` (YYYY-MM-DD) and `amount`
 * (signed, a debit negative) are needed. `balance` is the account's balance after the row: with it a statement ties.
 * Other columns are ignored, since banks add their own. An apostrophe that keeps a text from being a formula is dropped.
 */
const bankCsvColumns = [
  "account",
  "currency",
  "bookedOn",
  "amount",
  "statement",
  "valueOn",
  "balance",
  "reference",
  "endToEndId",
  "counterparty",
  "counterpartyAccount",
  "description",
] as const;
/** The name of a column that is read. */
export type BankCsvColumn = (typeof bankCsvColumns)[number];
const REQUIRED = bankCsvColumns.slice(0, 4);

/** What is absent is found: `delimiter` from the first line, `decimal` from each amount where it cannot be mistaken. */
export type BankCsvOptions = { delimiter?: ";" | ","; decimal?: "," | "." };

type Decimal = BankCsvOptions["decimal"];
type NumberOptions = { currency: string; decimal: Decimal };
type Row = { record: Record<string, string>; info: { lines: number } };

/**
 * Reads a bank's CSV. Rows of one account, currency and `statement` form one statement, in file order. A wrong row
 * refuses its statement with the line and column; the other statements are kept.
 */
export function parseBankCsv(text: string, options: BankCsvOptions = {}): ParsedStatements {
  const parsed: ParsedStatements = { statements: [], problems: [] };
  try {
    for (const [key, rows] of groupRows(readRows(text, options))) {
      try {
        parsed.statements.push(readStatement(key, rows, options.decimal));
      } catch (error) {
        parsed.problems.push(problemOf(error, key.statement || null));
      }
    }
  } catch (error) {
    parsed.problems.push(problemOf(error, null));
  }
  return parsed;
}

function readRows(text: string, { delimiter }: BankCsvOptions): Row[] {
  const header = /^[^\r\n]*/.exec(text)?.[0] ?? "";
  const found = delimiter ?? (header.includes(";") ? ";" : ",");
  const names = header.split(found).map((name) => name.trim().replace(/^"|"$/g, ""));
  const missing = REQUIRED.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new ParseError(
      { line: 1, at: missing[0] ?? null },
      `the first line lacks the column ${missing.join(", ")}; it names the columns`,
    );
  }
  try {
    const rows: Row[] = parse(text, {
      columns: true,
      delimiter: found,
      info: true,
      skip_empty_lines: true,
      trim: true,
      cast: unguardFormula,
      max_record_size: 65_536,
    });
    if (rows.length === 0) throw new ParseError({ line: 2, at: null }, "no row follows the column names");
    return rows;
  } catch (error) {
    if (error instanceof ParseError) throw error;
    const line = Number((error as { lines?: unknown }).lines) || null;
    throw new ParseError({ line, at: null }, (error as Error).message, { cause: error });
  }
}

type Key = { account: string; currency: string; statement: string };

function groupRows(rows: readonly Row[]): [Key, Row[]][] {
  const groups = new Map<string, [Key, Row[]]>();
  for (const row of rows) {
    const { account = "", currency = "", statement = "" } = row.record;
    const id = JSON.stringify([account, currency, statement]);
    const group = groups.get(id) ?? [{ account, currency, statement }, []];
    group[1].push(row);
    groups.set(id, group);
  }
  return [...groups.values()];
}

function readStatement(key: Key, rows: readonly Row[], decimal: Decimal): BankStatement {
  const firstLine = rows[0]?.info.lines ?? null;
  if (!key.account) throw new ParseError({ line: firstLine, at: "account" }, "the account is empty");
  if (!isCurrencyCode(key.currency))
    throw new ParseError({ line: firstLine, at: "currency" }, `${quoted(key.currency)} is not an ISO 4217 currency`);
  const entries = rows.map((row, at) => readRow(row, key.currency, { index: at + 1, decimal }));
  const balances = rows.map((row) =>
    row.record.balance ? readNumber(row, "balance", { currency: key.currency, decimal }) : null,
  );
  const pair = statedPair(entries, balances, key.currency);
  return {
    format: "csv",
    version: null,
    // Without an id of the bank's own, the rows are the identity: the same rows again are the same statement.
    statementId:
      key.statement ||
      createHash("sha256")
        .update(JSON.stringify(rows.map((row) => row.record)))
        .digest("hex")
        .slice(0, 32),
    sequence: null,
    page: null,
    account: key.account,
    currency: key.currency,
    createdAt: null,
    ...pair,
    balances: [pair.opening, pair.closing].filter((balance) => balance !== null),
    entries,
    ...tie({ currency: key.currency, ...pair, entries }),
  };
}

/** The balance before the first row and after the last, where the bank states both. */
function statedPair(
  entries: readonly StatementEntry[],
  balances: readonly (number | null)[],
  currency: string,
): { opening: Balance | null; closing: Balance | null } {
  const first = entries[0];
  const last = entries.at(-1);
  const [afterFirst = null] = balances;
  const afterLast = balances.at(-1) ?? null;
  const opening =
    first && afterFirst !== null
      ? { kind: "OPBD", amountMinor: afterFirst - signedMinor(first), currency, on: first.bookedOn }
      : null;
  const closing =
    last && afterLast !== null ? { kind: "CLBD", amountMinor: afterLast, currency, on: last.bookedOn } : null;
  return { opening, closing };
}

function readRow(row: Row, currency: string, { index, decimal }: { index: number; decimal: Decimal }): StatementEntry {
  const { record } = row;
  const amount = readNumber(row, "amount", { currency, decimal });
  const direction = amount < 0 ? "debit" : "credit";
  const party =
    record.counterparty || record.counterpartyAccount
      ? { name: record.counterparty || null, account: record.counterpartyAccount || null, id: null }
      : null;
  const amountMinor = Math.abs(amount);
  return {
    index,
    reference: record.reference || null,
    amountMinor,
    currency,
    direction,
    status: "booked",
    reversal: false,
    bookedOn: readDayColumn(row, "bookedOn"),
    valueOn: record.valueOn ? readDayColumn(row, "valueOn") : null,
    bankCode: null,
    description: record.description || null,
    charges: [],
    details: [
      {
        endToEndId: record.endToEndId || null,
        instructionId: null,
        transactionId: null,
        uetr: null,
        mandateId: null,
        amountMinor,
        currency,
        direction,
        debtor: direction === "credit" ? party : null,
        creditor: direction === "debit" ? party : null,
        remittance: record.description ? [record.description] : [],
      },
    ],
  };
}

/** A signed amount in the currency's minor units. Throws ParseError where the decimal sign cannot be told. */
function readNumber(row: Row, column: string, { currency, decimal }: NumberOptions): number {
  const text = (row.record[column] ?? "").replace(/[\s\u00a0\u202f']/g, "");
  const sign = decimal ?? decimalSign(text);
  if (!sign) {
    const reason = `${quoted(text)} may mean thousands or a fraction; name the decimal sign`;
    throw new ParseError({ line: row.info.lines, at: column }, reason);
  }
  const plain = text.replaceAll(sign === "," ? "." : ",", "").replace(",", ".");
  try {
    return parseDecimal(plain, currency);
  } catch (error) {
    if (error instanceof MoneyError)
      throw new ParseError({ line: row.info.lines, at: column }, error.message, { cause: error });
    throw error;
  }
}

// Of two kinds of sign the last is the decimal one. A single one before three digits could be either: never guess.
function decimalSign(text: string): "," | "." | null {
  const comma = text.lastIndexOf(",");
  const point = text.lastIndexOf(".");
  if (comma === point) return ".";
  if (comma >= 0 && point >= 0) return comma > point ? "," : ".";
  const at = Math.max(comma, point);
  if (text.length - at - 1 === 3 || text.indexOf(comma >= 0 ? "," : ".") !== at) return null;
  return comma >= 0 ? "," : ".";
}

function readDayColumn(row: Row, column: string): string {
  const text = row.record[column] ?? "";
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && isCalendarDay(text)) return text;
  throw new ParseError({ line: row.info.lines, at: column }, `${quoted(text)} is not a date; write it as 2026-11-21`);
}
