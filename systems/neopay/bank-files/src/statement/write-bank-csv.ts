import { currencyOf, formatMinor } from "@banyan/neopay-money";
import type { BankCsvColumn } from "../bank-csv.ts";
import { guardFormula } from "../csv-formula.ts";
import { type AccountStatement, type StatementLine, statementIdOf } from "./account-statement.ts";

type Cell = (line: StatementLine, statement: AccountStatement) => string;

/** In the order of the columns; by the names that are read. */
const cells: Readonly<Partial<Record<BankCsvColumn, Cell>>> = {
  account: (_line, { account }) => text(account),
  currency: (_line, { currency }) => currency,
  statement: (_line, statement) => statementIdOf(statement),
  bookedOn: ({ on }) => on,
  valueOn: ({ on }) => on,
  amount: ({ changeMinor }, { currency }) => decimal(changeMinor, currency),
  balance: ({ balanceMinor }, { currency }) => decimal(balanceMinor, currency),
  reference: ({ id }) => text(id),
  endToEndId: ({ reference }) => text(reference),
  counterpartyAccount: ({ counterparty }) => text(counterparty),
};

/** The statement as `parseBankCsv` reads it, a line per row (RFC 4180). Without lines it is the names of the columns alone. */
export function writeBankCsv(statement: AccountStatement): string {
  const rows = statement.lines.map((line) => Object.values(cells).map((cell) => cell(line, statement)));
  return [Object.keys(cells), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

/** Of three digits behind a point nobody can tell whether they are a fraction or thousands: a fourth one tells. */
function decimal(amountMinor: number, currency: string): string {
  return formatMinor(amountMinor, currency) + (currencyOf(currency).exponent === 3 ? "0" : "");
}

function text(value: string): string {
  return `"${guardFormula(value).replaceAll('"', '""')}"`;
}
