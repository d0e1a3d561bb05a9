import { isDeepStrictEqual } from "node:util";
import type { Sql } from "@banyan/kernel";
import type { CommandContext } from "@banyan/kernel/types";
import { ledger } from "../contract.ts";
import { type HoldRow, holdOf } from "./hold.ts";
import type { Hold } from "./schemas.ts";

/** A hold that nothing speaks against any more; its accounts are locked. */
interface NewHold {
  readonly id: string;
  readonly reference: string;
  readonly source: string;
  readonly source_id: number;
  readonly destination: string;
  readonly destination_id: number;
  readonly amount_minor: number;
  readonly currency: string;
  readonly expires_at: Date | null;
  readonly metadata: Record<string, string>;
}

type Context = CommandContext<"ledger", unknown, object>;
/** What a hold is asked to be. */
type Asked = Pick<Hold, "reference" | "source" | "destination" | "amountMinor" | "currency" | "expiresAt" | "metadata">;

/** H1: sets the money aside, says so, and has the hold released at its expiry. Raises `ledger.duplicateReference`. */
export async function enterHold(ctx: Context, hold: NewHold): Promise<Hold> {
  const { tenant } = ctx.identity;
  const { id, reference, amount_minor, currency, expires_at, metadata } = hold;
  const [placed] = await ctx.sql<Omit<HoldRow, "source" | "destination">>`
    WITH pending AS (
      UPDATE ledger.account AS a
      SET pending_debit_minor = pending_debit_minor + CASE WHEN a.id = ${hold.source_id} THEN ${amount_minor}::bigint ELSE 0 END,
        pending_credit_minor = pending_credit_minor + CASE WHEN a.id = ${hold.destination_id} THEN ${amount_minor}::bigint ELSE 0 END
      WHERE a.id = ANY (${[hold.source_id, hold.destination_id]})
    )
    INSERT INTO ledger.hold (id, tenant, reference, source_id, destination_id, amount_minor, currency, created_at, expires_at, metadata)
    VALUES (${id}, ${tenant}, ${reference}, ${hold.source_id}, ${hold.destination_id}, ${amount_minor}, ${currency},
      ${new Date(ctx.now())}, ${expires_at}, ${metadata})
    ON CONFLICT DO NOTHING RETURNING *`;
  const { source, destination } = hold;
  if (placed === undefined) {
    // Another session took the reference between the look and the insert; now it can be seen.
    const expiresAt = expires_at?.toISOString() ?? null;
    await refuseDuplicate(
      { sql: ctx.sql, tenant },
      {
        reference,
        source,
        destination,
        amountMinor: amount_minor,
        currency,
        expiresAt,
        metadata,
      },
    );
    throw new Error(`the hold ${reference} was neither placed nor found`);
  }
  const held = holdOf({ ...placed, source, destination });
  ctx.emit(ledger.holdPlaced, held);
  ctx.invalidate(source, destination);
  if (expires_at !== null) ctx.enqueue(ledger.expireHold, { id }, { at: expires_at.getTime() });
  return held;
}

/** A hold's reference becomes that of its transaction: neither may have it yet. */
export async function refuseDuplicate(
  { sql, tenant }: { readonly sql: Sql; readonly tenant: string },
  asked: Asked,
): Promise<void> {
  const { reference } = asked;
  const [hold] = await sql<HoldRow>`
    SELECT h.*, s.address AS source, d.address AS destination
    FROM ledger.hold AS h JOIN ledger.account AS s ON s.id = h.source_id JOIN ledger.account AS d ON d.id = h.destination_id
    WHERE h.reference = ${reference} AND h.tenant = ${tenant}`;
  if (hold !== undefined) throw duplicateOf(holdOf(hold), asked);
  const [transaction] = await sql<{ id: string }>`
    SELECT id FROM ledger.transaction WHERE reference = ${reference} AND tenant = ${tenant}`;
  if (transaction !== undefined) {
    throw ledger.faults.duplicateReference({ reference, existingId: transaction.id, sameContent: false });
  }
}

/** The fault of what is asked for under the reference of another hold. */
export function duplicateOf(stored: Hold, asked: Asked) {
  const sameContent = Object.entries(asked).every(([name, value]) =>
    isDeepStrictEqual(stored[name as keyof Hold], value),
  );
  return ledger.faults.duplicateReference({ reference: asked.reference, existingId: stored.id, sameContent });
}
