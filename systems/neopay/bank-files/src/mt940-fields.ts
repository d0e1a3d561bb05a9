import { MoneyError, parseDecimal } from "@banyan/neopay-money";
import type { Balance, Direction, EntryDetail, Party, StatementEntry } from "./model.ts";
import { ParseError, quoted } from "./problem.ts";
import { isCalendarDay } from "./xml-element.ts";

/** One field of block 4: `:61:` and what follows up to the next tag, continuation lines included. */
export type Mt940Field = { tag: string; value: string; line: number };

/** Refuses a field at its line and tag. */
export function refuseField(field: Mt940Field, reason: string): never {
  throw new ParseError({ line: field.line, at: `:${field.tag}:` }, reason);
}

// D/C mark, date YYMMDD, currency, amount with a decimal comma.
const BALANCE = /^([CD])(\d{6})([A-Z]{3})(\d+(?:,\d*)?)$/;

/** Reads :60F:, :60M:, :62F:, :62M:, :64: or :65: as the ISO 20022 kind of balance that it is. */
export function readMt940Balance(field: Mt940Field, kind: string): Balance {
  const match = BALANCE.exec(field.value.trim());
  if (!match) refuseField(field, `${quoted(field.value)} is not a balance such as C260131EUR1234,56`);
  const [, mark = "", date = "", currency = "", amount = ""] = match;
  const amountMinor = readSwiftAmount(field, amount, currency);
  return {
    kind,
    amountMinor: mark === "D" && amountMinor !== 0 ? -amountMinor : amountMinor,
    currency,
    on: readSwiftDay(field, date),
  };
}

// Value date, entry date, mark (R reverses, E is expected), third letter of the currency, amount, type, references.
// Banks leave blanks where they have no entry date or no full type.
const LINE = /^(\d{6})(\d{4}| {4})?(R?[CD]|E[CD])([A-Z])?(\d+(?:,\d*)?) ?([A-Z][A-Z0-9 ]{3})([^\n]*)(?:\n([\s\S]*))?$/;

/** Reads :61:, with the :86: after it, as one entry. Throws ParseError at the line of the field that is wrong. */
export function readMt940Entry(
  { line, info }: { line: Mt940Field; info: Mt940Field | null },
  currency: string,
  index: number,
): StatementEntry {
  const match = LINE.exec(line.value);
  if (!match)
    refuseField(line, `${quoted(line.value)} is not a statement line such as 2601310131C12,50NTRFREF//BANKREF`);
  const [, valueDate = "", entryDate, mark = "", , amount = "", type = "", references = "", supplement] = match;
  const [owner = "", bank] = references.split("//", 2);
  const valueOn = readValueDay(line, valueDate);
  const reversal = mark.startsWith("R");
  // RC takes a credit back, so the account is debited; RD the other way about.
  const credited = mark.endsWith("C") !== reversal;
  const direction: Direction = credited ? "credit" : "debit";
  const amountMinor = readSwiftAmount(line, amount, currency);
  const ownerReference = owner.trim() === "NONREF" || owner.trim() === "" ? null : owner.trim();
  const detail = readInformation(info?.value ?? "", direction);
  return {
    index,
    reference: bank?.trim() || ownerReference,
    amountMinor,
    currency,
    direction,
    status: mark.startsWith("E") ? "pending" : "booked",
    reversal,
    bookedOn: entryDate?.trim() ? nearestDay(line, valueOn, entryDate) : valueOn,
    valueOn,
    bankCode: type.trim(),
    description: info?.value.trim() || supplement?.trim() || null,
    charges: [],
    details: [{ ...detail, endToEndId: detail.endToEndId ?? ownerReference, amountMinor, currency, direction }],
  };
}

function readSwiftAmount(field: Mt940Field, amount: string, currency: string): number {
  try {
    return parseDecimal(amount.replace(",", "."), currency);
  } catch (error) {
    if (error instanceof MoneyError)
      throw new ParseError({ line: field.line, at: `:${field.tag}:` }, error.message, { cause: error });
    throw error;
  }
}

// Two-digit years: SWIFT's own window, 80-99 are the last century.
function readSwiftDay(field: Mt940Field, date: string): string {
  const year = Number(date.slice(0, 2));
  const day = `${year >= 80 ? "19" : "20"}${date.slice(0, 2)}-${date.slice(2, 4)}-${date.slice(4, 6)}`;
  if (!isCalendarDay(day)) refuseField(field, `${quoted(date)} is not a date YYMMDD`);
  return day;
}

// Where a year of interest has 12 months of 30 days, money may count from 30 February: the last day that there is.
function readValueDay(field: Mt940Field, date: string): string {
  const thirtieth = /^\d{2}02(29|30)$/.test(date);
  if (!thirtieth) return readSwiftDay(field, date);
  const month = `${date.slice(0, 4)}28`;
  const day = readSwiftDay(field, month);
  const leapDay = day.replace(/28$/, "29");
  return isCalendarDay(leapDay) ? leapDay : day;
}

// The entry date has no year: it is the one nearest to the value date, which may lie across New Year.
function nearestDay(field: Mt940Field, valueOn: string, entryDate: string): string {
  const year = Number(valueOn.slice(0, 4));
  const days = [year, year - 1, year + 1].map((near) => `${near}-${entryDate.slice(0, 2)}-${entryDate.slice(2)}`);
  const distance = (day: string): number => Math.abs(Date.parse(day) - Date.parse(valueOn));
  const [nearest] = days.filter(isCalendarDay).toSorted((a, b) => distance(a) - distance(b));
  return nearest ?? refuseField(field, `${quoted(entryDate)} is not a date MMDD`);
}

const EMPTY: EntryDetail = {
  endToEndId: null,
  instructionId: null,
  transactionId: null,
  uetr: null,
  mandateId: null,
  amountMinor: null,
  currency: null,
  direction: null,
  debtor: null,
  creditor: null,
  remittance: [],
};

/** The details in :86:, in whichever of the three customs the bank follows: `?20…` subfields, `/EREF/…`, or free text. */
function readInformation(value: string, direction: Direction): EntryDetail {
  const other = direction === "credit" ? "debtor" : "creditor";
  const subfields = /^\d{3}([^\w\s])\d{2}/.exec(value);
  if (subfields?.[1]) return { ...EMPTY, ...readSubfields(value, subfields[1], other) };
  const flat = value.replaceAll("\n", "");
  if (/(?:^|\s)\/[A-Z]{4}\//.test(flat)) return { ...EMPTY, ...readSlashed(flat, other) };
  return { ...EMPTY, remittance: value.trim() ? [value.trim().replaceAll("\n", " ")] : [] };
}

// German banking industry (DK) custom: 20-29 and 60-63 purpose, 30 bank, 31 account, 32-33 name.
function readSubfields(value: string, separator: string, other: "debtor" | "creditor"): Partial<EntryDetail> {
  const parts = new Map<string, string>();
  for (const part of value.replaceAll("\n", "").slice(3).split(separator).slice(1))
    parts.set(part.slice(0, 2), part.slice(2));
  const joined = (codes: RegExp): string =>
    [...parts].flatMap(([code, text]) => (codes.test(code) ? [text] : [])).join("");
  const purpose = joined(/^(2\d|6[0-3])$/);
  const labelled = readLabels(purpose);
  const party = partyOf(joined(/^3[23]$/), parts.get("31") ?? "");
  return {
    endToEndId: idOf(labelled.get("EREF")),
    mandateId: idOf(labelled.get("MREF")),
    remittance: [labelled.get("SVWZ") ?? purpose].filter(Boolean),
    [other]: party,
  };
}

// SEPA labels inside the purpose: EREF+…MREF+…SVWZ+….
function readLabels(purpose: string): Map<string, string> {
  const pieces = purpose.split(/(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC)\+/);
  const labels = new Map<string, string>();
  for (let index = 1; index < pieces.length; index += 2)
    labels.set(pieces[index] ?? "", (pieces[index + 1] ?? "").trim());
  return labels;
}

// Dutch and SEPA custom: /EREF/…/REMI/…/NAME/…/IBAN/….
function readSlashed(value: string, other: "debtor" | "creditor"): Partial<EntryDetail> {
  const pieces = value.split(
    /\/(EREF|REMI|NAME|IBAN|MARF|TRTP|CSID|BIC|ORDP|BENM|ACCW|RTRN|PREF|PURP|ULTC|ULTD|KREF)\//,
  );
  const parts = new Map<string, string>();
  for (let index = 1; index < pieces.length; index += 2)
    parts.set(pieces[index] ?? "", (pieces[index + 1] ?? "").trim());
  return {
    endToEndId: idOf(parts.get("EREF")),
    mandateId: idOf(parts.get("MARF")),
    remittance: [parts.get("REMI") ?? ""].filter(Boolean),
    [other]: partyOf(parts.get("NAME") ?? "", parts.get("IBAN") ?? ""),
  };
}

function partyOf(name: string, account: string): Party | null {
  return name || account ? { name: name.trim() || null, account: account.trim() || null, id: null } : null;
}

function idOf(text: string | undefined): string | null {
  return text && text !== "NOTPROVIDED" ? text : null;
}
