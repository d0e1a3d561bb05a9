import type { Handler } from "@banyan/kernel";
import type { ledger } from "../contract.ts";

/** Sums as text: they may be larger than a number holds. */
interface CurrencyRow {
  readonly currency: string;
  readonly debits: string;
  readonly credits: string;
  readonly pending_debits: string;
  readonly pending_credits: string;
}

/** From the accounts, which `verify` compares with the postings. */
export const readTrialBalance: Handler<typeof ledger.trialBalance> = async (ctx) => {
  const rows = await ctx.sql<CurrencyRow>`
    SELECT currency, sum(debits_minor)::text AS debits, sum(credits_minor)::text AS credits,
      sum(pending_debit_minor)::text AS pending_debits, sum(pending_credit_minor)::text AS pending_credits
    FROM ledger.account WHERE tenant = ${ctx.identity.tenant} GROUP BY currency ORDER BY currency`;
  return {
    currencies: rows.map((row) => {
      const [debits, credits] = [BigInt(row.debits), BigInt(row.credits)];
      const [pendingDebits, pendingCredits] = [BigInt(row.pending_debits), BigInt(row.pending_credits)];
      return {
        currency: row.currency,
        debitsMinor: exact(debits),
        creditsMinor: exact(credits),
        differenceMinor: exact(debits - credits),
        pendingDebitsMinor: exact(pendingDebits),
        pendingCreditsMinor: exact(pendingCredits),
        pendingDifferenceMinor: exact(pendingDebits - pendingCredits),
      };
    }),
  };
};

function exact(sum: bigint): number | null {
  const number = Number(sum);
  return Number.isSafeInteger(number) ? number : null;
}
