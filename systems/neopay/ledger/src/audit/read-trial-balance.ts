import type { Handler } from "@banyan/kernel";
import type { ledger } from "../contract.ts";

interface CurrencyRow {
  readonly currency: string;
  readonly debits: number;
  readonly credits: number;
  readonly pending_debits: number;
  readonly pending_credits: number;
}

/** From the accounts, which `verify` compares with the postings. */
export const readTrialBalance: Handler<typeof ledger.trialBalance> = async (ctx) => {
  const rows = await ctx.sql<CurrencyRow>`
    SELECT currency, sum(debits_minor)::bigint AS debits, sum(credits_minor)::bigint AS credits,
      sum(pending_debit_minor)::bigint AS pending_debits, sum(pending_credit_minor)::bigint AS pending_credits
    FROM ledger.account WHERE tenant = ${ctx.identity.tenant} GROUP BY currency ORDER BY currency`;
  return {
    currencies: rows.map(({ currency, debits, credits, pending_debits, pending_credits }) => ({
      currency,
      debitsMinor: debits,
      creditsMinor: credits,
      differenceMinor: debits - credits,
      pendingDebitsMinor: pending_debits,
      pendingCreditsMinor: pending_credits,
      pendingDifferenceMinor: pending_debits - pending_credits,
    })),
  };
};
