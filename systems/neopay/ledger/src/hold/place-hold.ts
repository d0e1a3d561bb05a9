import { isDeepStrictEqual } from "node:util";
import type { Handler, Received, Sql } from "@banyan/kernel";
import type { AccountRow } from "../account/account.ts";
import { ledger } from "../contract.ts";
import { type HoldRow, holdOf, refusalOfHold } from "./hold.ts";
import type { Hold } from "./schemas.ts";

type Placed = Received<typeof ledger.placeHold>;

export const placeHold: Handler<typeof ledger.placeHold> = async (ctx, input) => {
  const { reference, source, destination, amountMinor, currency, metadata } = input;
  const { tenant } = ctx.identity;
  const now = ctx.now();
  const expiresAt = input.expiresAt === undefined ? null : new Date(input.expiresAt);
  if (expiresAt !== null && expiresAt.getTime() <= now) {
    throw ctx.faults.holdExpiryPast({ expiresAt: expiresAt.toISOString() });
  }
  const rows = await ctx.sql<AccountRow>`
    SELECT * FROM ledger.account WHERE tenant = ${tenant} AND address = ANY (${[source, destination]})
    ORDER BY address FOR NO KEY UPDATE`;
  await refuseDuplicate(ctx.sql, tenant, input);
  const accounts = new Map(rows.map((row) => [row.address, row]));
  const refusal = refusalOfHold(input, accounts);
  if (refusal !== undefined) throw refusal;
  const [placed] = await ctx.sql<Omit<HoldRow, "source" | "destination">>`
    WITH pending AS (
      UPDATE ledger.account AS a
      SET pending_debit_minor = pending_debit_minor + CASE WHEN a.address = ${source} THEN ${amountMinor}::bigint ELSE 0 END,
        pending_credit_minor = pending_credit_minor + CASE WHEN a.address = ${destination} THEN ${amountMinor}::bigint ELSE 0 END
      WHERE a.tenant = ${tenant} AND a.address = ANY (${[source, destination]})
    )
    INSERT INTO ledger.hold (id, tenant, reference, source_id, destination_id, amount_minor, currency, created_at, expires_at, metadata)
    VALUES (${ctx.newId()}, ${tenant}, ${reference}, ${accounts.get(source)?.id ?? null}, ${accounts.get(destination)?.id ?? null},
      ${amountMinor}, ${currency}, ${new Date(now)}, ${expiresAt}, ${metadata})
    ON CONFLICT DO NOTHING RETURNING *`;
  if (placed === undefined) {
    // Another session took the reference between the look and the insert; now it can be seen.
    await refuseDuplicate(ctx.sql, tenant, input);
    throw new Error(`the hold ${reference} was neither placed nor found`);
  }
  const hold = holdOf({ ...placed, source, destination });
  ctx.emit(ledger.holdPlaced, hold);
  ctx.invalidate(hold.source, hold.destination);
  if (expiresAt !== null) ctx.enqueue(ledger.expireHold, { id: hold.id }, { at: expiresAt.getTime() });
  return hold;
};

/** A hold's reference becomes that of its transaction: neither may have it yet. */
async function refuseDuplicate(sql: Sql, tenant: string, input: Placed): Promise<void> {
  const { reference } = input;
  const [hold] = await sql<HoldRow>`
    SELECT h.*, s.address AS source, d.address AS destination
    FROM ledger.hold AS h JOIN ledger.account AS s ON s.id = h.source_id JOIN ledger.account AS d ON d.id = h.destination_id
    WHERE h.reference = ${reference} AND h.tenant = ${tenant}`;
  if (hold !== undefined) {
    throw ledger.faults.duplicateReference({
      reference,
      existingId: hold.id,
      sameContent: asksForSame(holdOf(hold), input),
    });
  }
  const [transaction] = await sql<{ id: string }>`
    SELECT id FROM ledger.transaction WHERE reference = ${reference} AND tenant = ${tenant}`;
  if (transaction !== undefined) {
    throw ledger.faults.duplicateReference({ reference, existingId: transaction.id, sameContent: false });
  }
}

function asksForSame(
  stored: Hold,
  { source, destination, amountMinor, currency, expiresAt, metadata }: Placed,
): boolean {
  const given = {
    source,
    destination,
    amountMinor,
    currency,
    metadata,
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  };
  return Object.entries(given).every(([name, value]) => isDeepStrictEqual(stored[name as keyof Hold], value));
}
