import { type DatabaseTransaction, SqlError } from "../memory/database.ts";
import { type Dialect, dialectOf } from "../memory/dialect.ts";
import { keyOf } from "../memory/tables.ts";
import { merchantTxns, movements, notices, type PaymentRow, paymentRows } from "./rows.ts";

/** What NeoPay's payments say, by systems/neopay/payments/src, with the CHECKs of its tables. Nobody has limits here. */
export const paymentsDialect: Dialect = dialectOf({
  [`INSERT INTO payments.payment (id, tenant, merchant, merchant_txn_id, order_id, amount_minor, currency, method, capture_mode,
      return_url, fee_plan, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?, ?) ON CONFLICT (tenant, merchant, merchant_txn_id) DO NOTHING RETURNING *`]:
    async (transaction, values) => {
      const row = newPayment(values);
      if (!(await transaction.insertNew(merchantTxns, nameOf(row.tenant, row.merchant, row.merchant_txn_id), row.id)))
        return [];
      await transaction.insert(paymentRows, row.id, row);
      return [row];
    },
  "SELECT id FROM payments.payment WHERE tenant = ? AND merchant = ? AND merchant_txn_id = ?": (
    transaction,
    [tenant, merchant, name],
  ) => [{ id: transaction.get(merchantTxns, nameOf(tenant, merchant, name)) }],
  "SELECT * FROM payments.payment WHERE id = ? AND tenant = ?": (transaction, [id]) => found(transaction, id),
  "SELECT * FROM payments.payment WHERE id = ANY (?) AND tenant = ? ORDER BY id FOR NO KEY UPDATE": async (
    transaction,
    [ids],
  ) => {
    const sorted = [...(ids as string[])].sort();
    for (const id of sorted) await transaction.update(paymentRows, id, (row) => row);
    return sorted.flatMap((id) => found(transaction, id));
  },
  "SELECT payments.begin_movements(?, ?, ?, ?, ?, ?, ?)": async (transaction, [, , ...columns]) => {
    for (const [payment, id, kind, amountMinor] of rowsOf<[string, string, string, number]>(columns)) {
      const begun = { id, payment, kind, amountMinor, status: "pending", transactionId: null } as const;
      await transaction.insert(movements, id, begun);
      await changed(transaction, payment, { pending_kind: kind, pending_id: id, pending_minor: amountMinor });
    }
    return [];
  },
  "SELECT payments.end_movements(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)": async (transaction, [, , ...columns]) => {
    for (const [
      id,
      status,
      reason,
      transactionId,
      payment,
      becomes,
      authorized,
      captured,
      refunded,
      ref,
    ] of rowsOf<Ended>(columns)) {
      await transaction.update(movements, id, (row) => row && { ...row, status, transactionId });
      await changed(transaction, payment, {
        status: becomes,
        authorized_minor: authorized,
        captured_minor: captured,
        refunded_minor: refunded,
        pending_kind: null,
        pending_id: null,
        pending_minor: 0,
        reason,
        authorization_ref: ref,
      });
    }
    return [];
  },
  "UPDATE payments.payment SET instrument = ? WHERE id = ? AND tenant = ?": (transaction, [instrument, id]) =>
    changed(transaction, id, { instrument }),
  [`UPDATE payments.payment SET status = 'failed', reason = coalesce(reason, 'abandoned')
    WHERE id = ? AND tenant = ? AND status = 'requires_capture' AND pending_id IS NULL RETURNING *`]: async (
    transaction,
    [id],
  ) => {
    await transaction.update(paymentRows, String(id), (row) => row);
    const [row] = found(transaction, id);
    if (row?.status !== "requires_capture" || row.pending_id !== null) return [];
    return changed(transaction, id, { status: "failed", reason: row.reason ?? "abandoned" });
  },
  [`INSERT INTO payments.notice (tenant, provider, event_id, reference, outcome, taken_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING RETURNING event_id`]: async (transaction, [, provider, event]) => {
    const isNew = await transaction.insertNew(notices, nameOf(provider, event), String(event));
    return isNew ? [{ event_id: event }] : [];
  },
  "SELECT payment_id FROM payments.movement WHERE id = ? AND tenant = ?": (transaction, [id]) => {
    const row = transaction.get(movements, String(id));
    return row === undefined ? [] : [{ payment_id: row.payment }];
  },
  [`SELECT name, per_instrument, day_minor_max, count_max, window_ms FROM payments.spending_limit
    WHERE tenant = ? AND merchant = ? AND (method IS NULL OR method = ?) ORDER BY name`]: () => [],
  [`UPDATE payments.usage AS u SET used = greatest(u.used - ?::bigint, 0) FROM payments.spending_limit AS l, payments.movement AS m
    WHERE l.tenant = ? AND l.merchant = ? AND (l.method IS NULL OR l.method = ?)
      AND m.payment_id = ? AND m.tenant = l.tenant AND m.kind = 'authorization'
      AND u.tenant = l.tenant AND u.merchant = l.merchant AND u.name = l.name AND u.bucket = 'day'
      AND u.starts_at = date_trunc('day', m.begun_at, 'UTC')
      AND u.instrument = CASE WHEN l.per_instrument THEN ? ELSE '' END`]: () => [],
});

type Ended = [
  id: string,
  status: "done" | "failed",
  reason: string | null,
  transaction: string | null,
  payment: string,
  becomes: string,
  authorized: number,
  captured: number,
  refunded: number,
  ref: string | null,
];

/** unnest: the parameters are columns. */
function rowsOf<Row extends unknown[]>(columns: readonly unknown[]): Row[] {
  const arrays = columns as unknown[][];
  return (arrays[0] ?? []).map((_, at) => arrays.map((column) => column[at]) as Row);
}

function nameOf(...parts: readonly unknown[]): string {
  return keyOf(...parts.map(String));
}

function newPayment([
  id,
  tenant,
  merchant,
  name,
  order,
  amount,
  currency,
  method,
  mode,
  url,
  plan,
  at,
  until,
]: readonly unknown[]) {
  return {
    id: String(id),
    tenant,
    merchant,
    merchant_txn_id: name,
    order_id: order,
    amount_minor: Number(amount),
    currency,
    method: String(method),
    capture_mode: mode,
    return_url: url,
    fee_plan: JSON.parse(String(plan)),
    status: "requires_payment_method",
    reason: null,
    instrument: null,
    authorization_ref: null,
    authorized_minor: 0,
    captured_minor: 0,
    refunded_minor: 0,
    disputed_minor: 0,
    pending_kind: null,
    pending_id: null,
    pending_minor: 0,
    created_at: at,
    expires_at: until,
  };
}

function found(transaction: DatabaseTransaction, id: unknown): PaymentRow[] {
  const row = transaction.get(paymentRows, String(id));
  return row === undefined ? [] : [row];
}

async function changed(
  transaction: DatabaseTransaction,
  id: unknown,
  change: Partial<PaymentRow>,
): Promise<PaymentRow[]> {
  await transaction.update(paymentRows, String(id), (row) => row && checked({ ...row, ...change }));
  return found(transaction, id);
}

function checked(row: PaymentRow): PaymentRow {
  const capturing = row.pending_kind === "capture" ? row.pending_minor : 0;
  const refunding = row.pending_kind === "refund" ? row.pending_minor : 0;
  const holds = {
    payment_authorizes_at_most_its_amount: row.authorized_minor <= row.amount_minor,
    payment_captures_at_most_authorized: row.captured_minor + capturing <= row.authorized_minor,
    payment_gives_back_at_most_captured: row.refunded_minor + refunding <= row.captured_minor,
    payment_one_movement_at_a_time: (row.pending_kind === null) === (row.pending_id === null),
  };
  for (const [name, isKept] of Object.entries(holds)) {
    if (!isKept) throw new SqlError(`the row breaks ${name}`, "23514", name);
  }
  return row;
}
