import { readCamtEntry } from "./camt-entry.ts";
import type { Balance, BankStatement, ParsedStatements, ParseProblem, StatementEntry } from "./model.ts";
import { ParseError, problemOf, quoted } from "./problem.ts";
import { bookedPair, tie } from "./tie.ts";
import {
  find,
  findAll,
  readAmount,
  readDay,
  readDirection,
  required,
  requiredText,
  textAt,
  type XmlElement,
} from "./xml-element.ts";
import { createXmlReader, type XmlReader } from "./xml-reader.ts";

/** Told as the document is read, so that a file of any size needs the memory of one statement. */
type CamtListener = { statement(statement: BankStatement): void; problem(problem: ParseProblem): void };

// camt.052 holds reports of a day that goes on, camt.053 statements, camt.054 notifications; all say the same of an entry.
const RECORDS = { "052": "Rpt", "053": "Stmt", "054": "Ntfctn" } as const;
const BODIES = { "052": "BkToCstmrAcctRpt", "053": "BkToCstmrStmt", "054": "BkToCstmrDbtCdtNtfctn" } as const;
// Version 1 named things otherwise. From 9 to 13 nothing that is read here has moved.
const VERSIONS = { min: 2, max: 13 };

type Message = { kind: keyof typeof RECORDS; version: number; element: XmlElement };
type Reading = { record: XmlElement; entries: StatementEntry[]; refused: ParseProblem | null };

/**
 * Reads camt.052, camt.053 and camt.054 as it arrives. A statement that is wrong becomes one problem at its first wrong element and
 * the next is read; a document that stops being XML ends with a problem, keeping the statements before it.
 */
function createCamtReader(listener: CamtListener): XmlReader {
  let message: Message | null = null;
  let reading: Reading | null = null;
  let recordCount = 0;
  let ended = false;

  const readEntry = (current: Reading, element: XmlElement): void => {
    if (current.refused) return;
    try {
      current.entries.push(readCamtEntry(element, current.entries.length + 1));
    } catch (error) {
      current.refused = problemOf(error, textAt(current.record, "Id"));
    }
  };
  const readRecord = (current: Reading, { kind, version }: Message): void => {
    try {
      if (current.refused) listener.problem(current.refused);
      else listener.statement(readStatement(current, kind, version));
    } catch (error) {
      listener.problem(problemOf(error, textAt(current.record, "Id")));
    }
  };
  const xml = createXmlReader({
    opened(element) {
      if (element.name === "Document") message = readMessage(element);
      else if (message && element.name === RECORDS[message.kind] && !reading) {
        reading = { record: element, entries: [], refused: null };
        recordCount += 1;
      }
    },
    closed(element) {
      if (!message || !reading) return false;
      if (element === reading.record) {
        readRecord(reading, message);
        reading = null;
        return true;
      }
      if (element.name !== "Ntry" || element.path !== `${reading.record.path}/Ntry`) return false;
      readEntry(reading, element);
      return true;
    },
  });
  const guarded = (action: () => void): void => {
    if (ended) return;
    try {
      action();
    } catch (error) {
      ended = true;
      listener.problem(problemOf(error, reading ? textAt(reading.record, "Id") : null));
    }
  };
  return {
    write: (text) => guarded(() => xml.write(text)),
    close: () =>
      guarded(() => {
        xml.close();
        if (!message)
          throw new ParseError(
            { line: 1, at: null },
            "no element Document of camt.052, camt.053 or camt.054 was found",
          );
        if (recordCount > 0) return;
        const path = `${message.element.path}/${BODIES[message.kind]}/${RECORDS[message.kind]}`;
        throw new ParseError({ line: message.element.line, at: path }, `the message holds no ${RECORDS[message.kind]}`);
      }),
  };
}

/**
 * Reads camt.052, camt.053 or camt.054, whole or in slices as it arrives; the problems of broken statements stand beside the good ones.
 */
export function parseCamt(text: string | Iterable<string>): ParsedStatements {
  const parsed: ParsedStatements = { statements: [], problems: [] };
  const reader = createCamtReader({
    statement: (statement) => parsed.statements.push(statement),
    problem: (problem) => parsed.problems.push(problem),
  });
  for (const slice of typeof text === "string" ? [text] : text) reader.write(slice);
  reader.close();
  return parsed;
}

function readMessage(element: XmlElement): Message {
  const match = /camt\.(\d{3})\.001\.(\d{2})/.exec(element.namespace);
  const kind = match?.[1];
  const version = Number(match?.[2]);
  if ((kind !== "052" && kind !== "053" && kind !== "054") || version < VERSIONS.min || version > VERSIONS.max) {
    const range = `${VERSIONS.min} to ${VERSIONS.max}`;
    throw new ParseError(
      { line: element.line, at: element.path },
      `the namespace ${quoted(element.namespace)} is not camt.052, camt.053 or camt.054, version ${range}`,
    );
  }
  return { kind, version, element };
}

function readStatement({ record, entries }: Reading, kind: Message["kind"], version: number): BankStatement {
  const account = textAt(record, "Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id");
  const statementId = requiredText(record, "Id");
  if (!account)
    throw new ParseError(
      { line: required(record, "Acct").line, at: `${record.path}/Acct/Id` },
      "the account has no IBAN and no other id",
    );
  const balances = findAll(record, "Bal").map(readBalance);
  const currency = accountCurrency(record, balances, entries);
  const pair = bookedPair(balances, currency);
  return {
    format: `camt.${kind}`,
    version,
    statementId,
    sequence: textAt(record, "ElctrncSeqNb", "LglSeqNb"),
    page: textAt(record, "StmtPgntn/PgNb", "NtfctnPgntn/PgNb", "RptPgntn/PgNb"),
    account,
    currency,
    createdAt: textAt(record, "CreDtTm"),
    ...pair,
    balances,
    entries,
    ...tie({ currency, ...pair, entries }),
  };
}

// Acct/Ccy is optional in every version: the booked balances are in the account's currency, else its entries are.
function accountCurrency(record: XmlElement, balances: Balance[], entries: StatementEntry[]): string {
  const stated = find(record, "Acct/Ccy");
  if (stated) return readAmount({ ...stated, text: "0", currency: stated.text.trim() }).currency;
  const booked = balances.find((balance) => ["OPBD", "PRCD", "CLBD", "ITBD"].includes(balance.kind));
  const currency = booked?.currency ?? entries[0]?.currency ?? balances[0]?.currency;
  if (currency) return currency;
  throw new ParseError(
    { line: required(record, "Acct").line, at: `${record.path}/Acct/Ccy` },
    "nothing tells the account's currency",
  );
}

function readBalance(element: XmlElement): Balance {
  const kind = textAt(element, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry") ?? requiredText(element, "Tp/CdOrPrtry");
  const { amountMinor, currency } = readAmount(required(element, "Amt"));
  const debit = readDirection(element) === "debit" && amountMinor !== 0;
  return { kind, amountMinor: debit ? -amountMinor : amountMinor, currency, on: readDay(find(element, "Dt")) };
}
