import type { EventHandler } from "@banyan/kernel";
import { statements } from "@banyan/neopay-statements/contract";
import { bankItems } from "./bank-items.ts";
import { mirrorNameOf, type reconciliation } from "./contract.ts";
import { insertItems, withdrawStatement } from "./item-store.ts";

const entriesPage = 1_000;

/** Takes a statement's entries as what the bank says. camt.052 and camt.054 announce what a statement will say again, so they are left out. */
export const takeStatement: EventHandler<typeof statements.imported, typeof reconciliation> = async (
  ctx,
  statement,
) => {
  if (statement.format === "camt.052" || statement.format === "camt.054") return;
  const { tenant } = ctx.identity;
  if (statement.replacesId) await withdrawStatement(ctx.sql, tenant, statement.replacesId);
  const account = mirrorNameOf(statement.account);
  const { id, currency, statementId, ties, breakMinor } = statement;
  const closing = statement.closing?.currency === currency ? statement.closing : null;
  let lastDay = statement.closing?.on ?? new Date(ctx.delivery.at).toISOString().slice(0, 10);
  // Entries are numbered from 1 without gaps, so this ends with the last.
  for (let after: number | null = 0; after !== null; ) {
    const page: { entries: Parameters<typeof bankItems>[1][]; next: number | null } = await ctx.call(
      statements.entries,
      {
        id,
        after,
        limit: entriesPage,
      },
    );
    const items = page.entries.flatMap((entry) => bankItems(id, entry, lastDay));
    await insertItems(ctx.sql, { tenant, account, side: "bank" }, items);
    if (!statement.closing?.on) lastDay = items.at(-1)?.day ?? lastDay;
    after = page.next;
  }
  await ctx.sql`
    INSERT INTO reconciliation.statement (id, tenant, account, currency, statement_id, ties, break_minor, closing_on, closing_minor)
    VALUES (${id}, ${tenant}, ${account}, ${currency}, ${statementId}, ${ties}, ${breakMinor}, ${lastDay}, ${closing?.amountMinor ?? null})
    ON CONFLICT DO NOTHING`;
};
