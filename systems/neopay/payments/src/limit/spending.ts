import { payments } from "../contract.ts";
import type { Writing } from "../intent/movement.ts";
import type { PaymentRow } from "../intent/payment-store.ts";
import type { LimitRow } from "./spending-limit.ts";

const dayMs = 86_400_000;

/** Counts an authorization against the merchant's limits. Raises `payments.limitExceeded`, and what it counted goes with its transaction. */
export async function spend(tx: Writing, payment: PaymentRow, instrument: string): Promise<void> {
  const { merchant, method, amount_minor: amountMinor } = payment;
  // In one order, so that two authorizations cannot wait for each other.
  const limits = await tx.sql<LimitRow>`
    SELECT name, per_instrument, day_minor_max, count_max, window_ms FROM payments.spending_limit
    WHERE tenant = ${tx.identity.tenant} AND merchant = ${merchant} AND (method IS NULL OR method = ${method}) ORDER BY name`;
  for (const { name, per_instrument, day_minor_max, count_max, window_ms } of limits) {
    const meter = { merchant, name, instrument: per_instrument ? instrument : "" };
    if (day_minor_max !== null) {
      await count(tx, { ...meter, bucket: "day", lengthMs: dayMs, maximum: day_minor_max }, amountMinor);
    }
    if (count_max !== null && window_ms !== null) {
      await count(tx, { ...meter, bucket: "window", lengthMs: window_ms, maximum: count_max }, 1);
    }
  }
}

/** Gives back the amount that a failed authorization took from its day. Its try still counts: velocity is about tries. */
export async function giveBack(
  tx: Writing,
  { id, merchant, amount_minor: amountMinor, method, instrument }: PaymentRow,
): Promise<void> {
  await tx.sql`
    UPDATE payments.usage AS u SET used = greatest(u.used - ${amountMinor}::bigint, 0)
    FROM payments.spending_limit AS l, payments.movement AS m
    WHERE l.tenant = ${tx.identity.tenant} AND l.merchant = ${merchant} AND (l.method IS NULL OR l.method = ${method})
      AND m.payment_id = ${id} AND m.tenant = l.tenant AND m.kind = 'authorization'
      AND u.tenant = l.tenant AND u.merchant = l.merchant AND u.name = l.name AND u.bucket = 'day'
      AND u.starts_at = date_trunc('day', m.begun_at, 'UTC')
      AND u.instrument = CASE WHEN l.per_instrument THEN ${instrument ?? ""} ELSE '' END`;
}

interface Meter {
  readonly merchant: string;
  readonly name: string;
  readonly instrument: string;
  readonly bucket: "day" | "window";
  readonly lengthMs: number;
  readonly maximum: number;
}

async function count(tx: Writing, meter: Meter, by: number): Promise<void> {
  const { merchant, name, instrument, bucket, lengthMs, maximum } = meter;
  const startsAt = startOf(tx.now(), lengthMs);
  const [row] = await tx.sql<{ used: number }>`
    INSERT INTO payments.usage AS u (tenant, merchant, name, instrument, bucket, starts_at, used)
    VALUES (${tx.identity.tenant}, ${merchant}, ${name}, ${instrument}, ${bucket}, ${startsAt}, ${by})
    ON CONFLICT (tenant, merchant, name, instrument, bucket, starts_at) DO UPDATE SET used = u.used + excluded.used
    RETURNING used`;
  if ((row?.used ?? 0) <= maximum) return;
  const freeAt = startsAt.getTime() + lengthMs;
  throw payments.faults.limitExceeded(
    {
      limit: name,
      bound: bucket === "day" ? "dayMinorMax" : "countMax",
      maximum,
      freeAt: new Date(freeAt).toISOString(),
    },
    { retryAfterMs: freeAt - tx.now() },
  );
}

function startOf(at: number, lengthMs: number): Date {
  return new Date(at - (at % lengthMs));
}
