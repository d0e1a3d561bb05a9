import { formatMinor } from "@banyan/neopay-money";
import { type BankEntry, bankStatement } from "./bank-messages.ts";
import { bankAccount, day, paidOutMinor } from "./movements.ts";

const paidOut = formatMinor(paidOutMinor, "EUR");

/** What came in, by the reference that payer and payee gave it. */
const received: readonly BankEntry[] = [
  { reference: "TOPUP-1001", amount: "100.00", mark: "CRDT", text: "Alice, top-up" },
  { reference: "TOPUP-1002", amount: "60.00", mark: "CRDT", text: "Bob, top-up" },
  { reference: `CARDS-${day}`, amount: "85.00", mark: "CRDT", text: "Card sales of Acme" },
];

/** The bank's account of the same day: 0.00 + 245.00 - 129.33 = 115.67. The payout has the reference of its message. */
export function statementOfTheDay(payoutReference: string): string {
  const payout: BankEntry = { reference: payoutReference, amount: paidOut, mark: "DBIT", text: "Payout to Acme" };
  return bankStatement({
    id: `DEMO-${day}`,
    account: bankAccount,
    day,
    entries: [...received, payout],
    closing: "115.67",
  });
}
