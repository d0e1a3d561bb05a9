import type { Handler } from "@banyan/kernel";
import type { AccountRow } from "../account/account.ts";
import type { ledger } from "../contract.ts";
import { enterHold, refuseDuplicate } from "./enter-hold.ts";
import { refusalOfHold } from "./hold.ts";

export const placeHold: Handler<typeof ledger.placeHold> = async (ctx, input) => {
  const { reference, source, destination, amountMinor, currency, metadata } = input;
  const { tenant } = ctx.identity;
  const expiresAt = input.expiresAt === undefined ? null : new Date(input.expiresAt);
  if (expiresAt !== null && expiresAt.getTime() <= ctx.now()) {
    throw ctx.faults.holdExpiryPast({ expiresAt: expiresAt.toISOString() });
  }
  const rows = await ctx.sql<AccountRow>`
    SELECT * FROM ledger.account WHERE tenant = ${tenant} AND address = ANY (${[source, destination]})
    ORDER BY address FOR NO KEY UPDATE`;
  const asked = { reference, source, destination, amountMinor, currency, metadata };
  await refuseDuplicate({ sql: ctx.sql, tenant }, { ...asked, expiresAt: expiresAt?.toISOString() ?? null });
  const accounts = new Map(rows.map((row) => [row.address, row]));
  const [from, to] = [accounts.get(source), accounts.get(destination)];
  const refusal = refusalOfHold(input, accounts);
  if (refusal !== undefined) throw refusal;
  if (from === undefined || to === undefined) throw new Error("a hold between unknown accounts was not refused");
  return await enterHold(ctx, {
    id: ctx.newId(),
    reference,
    source,
    source_id: from.id,
    destination,
    destination_id: to.id,
    amount_minor: amountMinor,
    currency,
    expires_at: expiresAt,
    metadata,
  });
};
