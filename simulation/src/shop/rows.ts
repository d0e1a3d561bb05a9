import type { ledger } from "@banyan/neopay-ledger/contract";
import { defineTable } from "../memory/database.ts";

/** Why the books refused, as a fault of the ledger's. */
export interface Refusal {
  readonly refused: keyof typeof ledger.faults;
  readonly details: object;
}

export interface AccountRow {
  readonly balanceMinor: number;
  /** Set aside by holds. */
  readonly heldMinor: number;
  /** null: it may be overdrawn. */
  readonly floorMinor: number | null;
}

export interface Leg {
  readonly source: string;
  readonly destination: string;
  readonly amountMinor: number;
}

export interface TransactionRow {
  readonly id: string;
  readonly reference: string;
  readonly postings: readonly Leg[];
}

export interface HoldRow extends Leg {
  readonly id: string;
  readonly reference: string;
  readonly status: "active" | "committed" | "voided";
  /** Milliseconds since 1970. */
  readonly expiresAt: number | null;
  readonly transactionId: string | null;
  readonly restId: string | null;
}

/** By address. */
export const accounts = defineTable<AccountRow>("ledger.account");
export const transactions = defineTable<TransactionRow>("ledger.transaction");
export const holds = defineTable<HoldRow>("ledger.hold");
/** Ids by reference, of transactions and holds. */
export const references = defineTable<string>("ledger.reference");

/** A row of payments.payment, by column. */
export type PaymentRow = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly status: string;
  readonly method: string;
  readonly amount_minor: number;
  readonly authorized_minor: number;
  readonly captured_minor: number;
  readonly refunded_minor: number;
  readonly pending_kind: string | null;
  readonly pending_id: string | null;
  readonly pending_minor: number;
};

export interface MovementRow {
  readonly id: string;
  readonly payment: string;
  readonly kind: string;
  readonly amountMinor: number;
  readonly status: "pending" | "done" | "failed";
  readonly transactionId: string | null;
}

export const paymentRows = defineTable<PaymentRow>("payments.payment");
/** Payments' ids by the merchant's own names for them. */
export const merchantTxns = defineTable<string>("payments.merchant_txn");
export const movements = defineTable<MovementRow>("payments.movement");
export const notices = defineTable<string>("payments.notice");
/** What runs of the shop's workflow noted, by reference and name. */
export const shopNotes = defineTable<number>("shop.note");
