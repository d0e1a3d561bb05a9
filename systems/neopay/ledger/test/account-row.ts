import type { AccountRow } from "../src/account/account.ts";

/** An open account to which nothing was posted, but for `change`. */
export const accountRow = (address: string, change: Partial<AccountRow> = {}): AccountRow => ({
  id: address.charCodeAt(0),
  address,
  currency: "CZK",
  floor_minor: null,
  status: "open",
  entry_count: 0,
  debits_minor: 0,
  credits_minor: 0,
  pending_debit_minor: 0,
  pending_credit_minor: 0,
  opened_at: new Date(0),
  monitors: null,
  ...change,
});
