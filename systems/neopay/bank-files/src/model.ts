import { balanceMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";

const calendarDay = z.iso.date();
// Details may be of no value (`<Amt>0</Amt>` in real files), an entry's own amount too; a sign is in `direction`.
const sizeMinor = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What a movement did to the account: credit is money in. */
export const Direction = z.enum(["credit", "debit"]);
export type Direction = z.infer<typeof Direction>;

/** One side of a payment, as far as the bank named it. `account` is an IBAN or the bank's own number. */
export const Party = z.object({
  name: z.string().nullable(),
  account: z.string().nullable(),
  id: z.string().nullable(),
});
export type Party = z.infer<typeof Party>;

/** One underlying payment of an entry; a batch entry has several. References that the bank left out are null. */
export const EntryDetail = z.object({
  endToEndId: z.string().nullable(),
  instructionId: z.string().nullable(),
  transactionId: z.string().nullable(),
  uetr: z.string().nullable(),
  mandateId: z.string().nullable(),
  amountMinor: sizeMinor.nullable(),
  currency: currencyCode.nullable(),
  direction: Direction.nullable(),
  debtor: Party.nullable(),
  creditor: Party.nullable(),
  /** Structured creditor references first, then free text, as the bank ordered them. */
  remittance: z.array(z.string()),
});
export type EntryDetail = z.infer<typeof EntryDetail>;

/** A charge that the bank reports with an entry. It is information: the entry's amount already is what was booked. */
export const Charge = z.object({ amountMinor: sizeMinor, currency: currencyCode, direction: Direction.nullable() });
export type Charge = z.infer<typeof Charge>;

/** `booked` entries move the balance; pending, future and informational ones do not. */
export const EntryStatus = z.enum(["booked", "pending", "future", "information"]);
export type EntryStatus = z.infer<typeof EntryStatus>;

/** One line of a bank statement. `direction` is what happened to the account, a reversal's included. */
export const StatementEntry = z.object({
  /** Position in the statement, from 1. */
  index: z.int().min(1),
  /** The bank's own reference of the entry. */
  reference: z.string().nullable(),
  amountMinor: sizeMinor,
  currency: currencyCode,
  direction: Direction,
  status: EntryStatus,
  reversal: z.boolean(),
  bookedOn: calendarDay.nullable(),
  valueOn: calendarDay.nullable(),
  /** The bank's transaction code: `PMNT/RCDT/BOOK`, a proprietary code, or an MT940 type such as `NTRF`. */
  bankCode: z.string().nullable(),
  description: z.string().nullable(),
  charges: z.array(Charge),
  details: z.array(EntryDetail),
});
export type StatementEntry = z.infer<typeof StatementEntry>;

/** A balance as the bank states it; `kind` is the ISO 20022 code (OPBD, CLBD, …) or the bank's own. Debit is negative. */
export const Balance = z.strictObject({
  kind: z.string(),
  amountMinor: balanceMinor,
  currency: currencyCode,
  on: calendarDay.nullable(),
});
export type Balance = z.infer<typeof Balance>;

/**
 * Whether opening + booked entries = closing, to the cent. `ties` is null when the bank states no such pair of balances
 * (a camt.054 never does); `breakMinor` is closing - (opening + entries), null when it cannot be told.
 */
export const Tie = z.object({
  ties: z.boolean().nullable(),
  breakMinor: balanceMinor.nullable(),
  tieReason: z.enum(["tied", "differs", "currencyDiffers", "balancesMissing"]),
});
export type Tie = z.infer<typeof Tie>;

/** The formats that a statement may come in. */
export const StatementFormat = z.enum(["camt", "mt940", "csv"]);
export type StatementFormat = z.infer<typeof StatementFormat>;

/** One statement of one account in the shape that every format is read into. */
export const BankStatement = z.object({
  format: z.enum(["camt.052", "camt.053", "camt.054", "mt940", "csv"]),
  version: z.int().nullable(),
  /** The bank's id of the statement, unique per account together with `sequence` and `page`. */
  statementId: z.string(),
  sequence: z.string().nullable(),
  page: z.string().nullable(),
  account: z.string(),
  currency: currencyCode,
  createdAt: z.string().nullable(),
  opening: Balance.nullable(),
  closing: Balance.nullable(),
  balances: z.array(Balance),
  entries: z.array(StatementEntry),
  ...Tie.shape,
});
export type BankStatement = z.infer<typeof BankStatement>;

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

/** What a document held: the statements that can be trusted, and a problem for each that was refused. */
export type ParsedStatements = { statements: BankStatement[]; problems: ParseProblem[] };
