import type { BreakKind } from "./contract.ts";
import type { Proof, Untied } from "./item-store.ts";
import { type Item, type Matching, withoutUndone } from "./matching.ts";

/** A break as a run finds it, before it is known whether it is new. */
export type FoundBreak = {
  account: string;
  kind: BreakKind;
  subject: string;
  currency: string;
  bankMinor: number | null;
  ledgerMinor: number | null;
  differenceMinor: number | null;
  day: string;
  references: readonly string[];
};

/** Everything that does not agree for one account, one break per item, statement or balance. */
export function foundBreaks(
  account: string,
  matching: Matching,
  { untied, proof }: { untied: readonly Untied[]; proof: Proof | null },
): FoundBreak[] {
  return [
    ...matching.bankOnly.map((bank) =>
      itemBreak({ account, kind: "missingInLedger" }, bank, { bankMinor: signed(bank), ledgerMinor: null }),
    ),
    ...withoutUndone(matching.ledgerOnly).map((ledger) =>
      itemBreak({ account, kind: "missingAtBank" }, ledger, { bankMinor: null, ledgerMinor: signed(ledger) }),
    ),
    ...matching.differing.map(({ bank, ledger }) =>
      itemBreak({ account, kind: "amountDiffers" }, bank, { bankMinor: signed(bank), ledgerMinor: signed(ledger) }),
    ),
    ...untied.map(
      (statement): FoundBreak => ({
        account,
        kind: "statementDoesNotTie",
        subject: statement.id,
        currency: statement.currency,
        bankMinor: null,
        ledgerMinor: null,
        differenceMinor: statement.breakMinor,
        day: statement.day,
        references: [],
      }),
    ),
    ...(proof && proof.bankMinor !== proof.ledgerMinor ? [balanceDrift(account, proof)] : []),
  ];
}

function balanceDrift(account: string, { id, currency, bankMinor, ledgerMinor, day }: Proof): FoundBreak {
  const differenceMinor = bankMinor - ledgerMinor;
  return {
    account,
    kind: "balanceDrift",
    subject: id,
    currency,
    bankMinor,
    ledgerMinor,
    differenceMinor,
    day,
    references: [],
  };
}

function itemBreak(
  { account, kind }: Pick<FoundBreak, "account" | "kind">,
  item: Item,
  { bankMinor, ledgerMinor }: Pick<FoundBreak, "bankMinor" | "ledgerMinor">,
): FoundBreak {
  const differenceMinor = (bankMinor ?? 0) - (ledgerMinor ?? 0);
  const { id: subject, currency, day, references } = item;
  return { account, kind, subject, currency, bankMinor, ledgerMinor, differenceMinor, day, references };
}

function signed({ direction, amountMinor }: Item): number {
  return direction === "debit" ? -amountMinor : amountMinor;
}
