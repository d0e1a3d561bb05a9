import type { Balance, BankStatement, ParsedStatements, StatementEntry } from "./model.ts";
import { type Mt940Field, readMt940Balance, readMt940Entry, refuseField } from "./mt940-fields.ts";
import { ParseError, problemOf } from "./problem.ts";
import { tie } from "./tie.ts";

// SWIFT allows 2,000 characters a message; banks write more, none a line of this length.
const LINE_CHARS_MAX = 10_000;

/**
 * Reads SWIFT MT940, bare or in its `{1:…}{4:…-}` envelope, several messages per file. Each message is one statement of
 * its own balances, so an intermediate page (:60M:, :62M:) ties by itself. A broken message becomes one problem at the
 * line of the field that is wrong; the others are kept.
 */
export function parseMt940(text: string): ParsedStatements {
  const parsed: ParsedStatements = { statements: [], problems: [] };
  const messages = splitMessages(text);
  if (messages.length === 0) {
    parsed.problems.push(
      new ParseError({ line: 1, at: ":20:" }, "no MT940 message was found: none begins with :20:").problem(null),
    );
  }
  for (const fields of messages) {
    try {
      parsed.statements.push(readMessage(fields));
    } catch (error) {
      parsed.problems.push(problemOf(error, fields[0]?.value.trim() || null));
    }
  }
  return parsed;
}

/** Fields by message: each begins at :20:, and ends at `-`, `-}` or the next :20:. */
function splitMessages(text: string): Mt940Field[][] {
  const messages: Mt940Field[][] = [];
  let current: Mt940Field | null = null;
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    // The envelope's blocks may share the line of the first field, and its end the line of the last.
    const line = raw.replace(/^(?:\{[1-35]:.*\})*\{4:/, "");
    const tagged = /^:([0-9A-Z]{2,3}):(.*)$/.exec(line);
    if (tagged) {
      current = { tag: tagged[1] ?? "", value: tagged[2] ?? "", line: index + 1 };
      if (current.tag === "20") messages.push([]);
      messages.at(-1)?.push(current);
    } else if (/^-\}?/.test(line) && (line.length <= 2 || line.startsWith("-}"))) {
      current = null;
    } else if (current && line.length <= LINE_CHARS_MAX) {
      current.value += `\n${line}`;
    }
  }
  return messages;
}

function readMessage(fields: readonly Mt940Field[]): BankStatement {
  const first = fields[0] as Mt940Field;
  const required = (...tags: string[]): Mt940Field => {
    const found = fields.find((field) => tags.includes(field.tag));
    if (found) return found;
    const last = fields.at(-1) ?? first;
    throw new ParseError(
      { line: last.line, at: `:${tags[0]}:` },
      `the message from line ${first.line} ends without :${tags.join(": or :")}:`,
    );
  };
  const account = required("25", "25P").value.split("\n")[0]?.trim() ?? "";
  if (!account) refuseField(required("25", "25P"), "the account is empty");
  const openingField = required("60F", "60M");
  const opening = readMt940Balance(openingField, openingField.tag === "60F" ? "OPBD" : "ITBD");
  const entries = readEntries(fields, opening.currency);
  const closingField = required("62F", "62M");
  const closing = readMt940Balance(closingField, closingField.tag === "62F" ? "CLBD" : "ITBD");
  const [sequence = null, page = null] =
    fields
      .find(({ tag }) => tag === "28C" || tag === "28")
      ?.value.trim()
      .split("/") ?? [];
  return {
    format: "mt940",
    version: null,
    statementId: first.value.trim() || refuseField(first, "the reference is empty"),
    sequence,
    page,
    account,
    currency: opening.currency,
    createdAt: null,
    opening,
    closing,
    balances: [opening, closing, ...readAvailable(fields)],
    entries,
    ...tie({ currency: opening.currency, opening, closing, entries }),
  };
}

function readEntries(fields: readonly Mt940Field[], currency: string): StatementEntry[] {
  return fields
    .flatMap((field, at) => (field.tag === "61" ? [{ field, next: fields[at + 1] }] : []))
    .map(({ field, next }, at) =>
      readMt940Entry({ line: field, info: next?.tag === "86" ? next : null }, currency, at + 1),
    );
}

function readAvailable(fields: readonly Mt940Field[]): Balance[] {
  return fields
    .filter((field) => field.tag === "64" || field.tag === "65")
    .map((field) => readMt940Balance(field, field.tag === "64" ? "CLAV" : "FWAV"));
}
