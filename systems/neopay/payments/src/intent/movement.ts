import { type Fault, type Identity, isFault } from "@banyan/kernel";
import type { CommandContext } from "@banyan/kernel/types";
import { feeOfPart } from "@banyan/neopay-money";
import { payments } from "../contract.ts";
import { isKnownTo } from "./known-to.ts";
import { begin, done, type MovementKind, type PaymentState, type Refusal, undone, type Wish } from "./payment.ts";
import { lockPayments, type PaymentRow, stateOf } from "./payment-store.ts";

/** What a movement needs of the transaction that it is written in, a command's or a workflow's. */
export type Writing = Omit<CommandContext<"payments", unknown, unknown>, "faults" | "uses">;

/** A movement that has begun: the payment as it is now, and what of `amountMinor` is the fee. */
export interface Begun {
  readonly payment: PaymentRow;
  readonly amountMinor: number;
  readonly feeMinor: number;
}

/** What is to begin, under which id. */
type Beginning = Wish & { readonly paymentId: string; readonly id: string };
/** A beginning, and who asks for it. */
type Asked = Beginning & { readonly identity: Identity };

/** Begins a movement. Raises why it cannot; nothing was changed then. */
export async function beginMovement(tx: Writing, beginning: Beginning): Promise<Begun> {
  const { identity } = tx;
  const [begun] = await beginMovements(tx, identity.tenant, [{ ...beginning, identity }]);
  if (begun === undefined || isFault(begun)) throw begun;
  return begun;
}

/** Begins movements of one tenant in order, or says why one cannot begin. What is written travels with the commit, which fails with it. */
export async function beginMovements(
  tx: Pick<Writing, "sql" | "now">,
  tenant: string,
  beginnings: readonly Asked[],
): Promise<readonly (Begun | Fault)[]> {
  const now = tx.now();
  const rows = await lockPayments(tx.sql, tenant, [...new Set(beginnings.map(({ paymentId }) => paymentId))]);
  const begun = beginnings.map(({ paymentId, id, identity, ...wish }): Begun | Fault => {
    const row = rows.get(paymentId);
    if (row === undefined || !isKnownTo(identity, row.merchant))
      return payments.faults.paymentNotFound({ id: paymentId });
    const next = begin(stateOf(row), wish, now);
    if ("refused" in next) return refusalFault(row, next);
    const amountMinor = next.pending?.amountMinor ?? 0;
    const feeMinor = wish.kind === "capture" ? feeOfPart(row.fee_plan, row.captured_minor, amountMinor) : 0;
    const payment = { ...row, pending_kind: wish.kind, pending_id: id, pending_minor: amountMinor };
    rows.set(paymentId, payment);
    return { payment, amountMinor, feeMinor };
  });
  const written = begun.filter((one): one is Begun => !isFault(one));
  if (written.length === 0) return begun;
  const of = written.map(({ payment }) => payment);
  void tx.sql`
    SELECT payments.begin_movements(${tenant}, ${new Date(now)}, ${of.map(({ id }) => id)}, ${of.map((row) => row.pending_id)},
      ${of.map((row) => row.pending_kind)}, ${of.map((row) => row.pending_minor)}, ${written.map(({ feeMinor }) => feeMinor)})`;
  return begun;
}

/** How a movement ended. */
export interface Ending {
  readonly paymentId: string;
  readonly id: string;
  readonly isDone: boolean;
  /** What a payment becomes that is released, or was not authorised; see `done` and `undone`. */
  readonly becomes?: "failed" | "canceled" | "expired";
  readonly reason?: string;
  readonly transactionId?: string;
  /** What the next capture takes from. */
  readonly authorizationRef?: string;
}

/** Ends the movement; undefined where it had ended before. */
export async function endMovement(tx: Writing, ending: Ending): Promise<PaymentRow | undefined> {
  const [ended] = await endMovements(tx, tx.identity.tenant, [ending]);
  return ended;
}

/** Ends movements of one tenant in order. What is written travels with the commit, which fails with it. */
export async function endMovements(
  tx: Pick<Writing, "sql" | "now">,
  tenant: string,
  endings: readonly Ending[],
): Promise<readonly (PaymentRow | undefined)[]> {
  const rows = await lockPayments(tx.sql, tenant, [...new Set(endings.map(({ paymentId }) => paymentId))]);
  const ended = endings.map((ending) => {
    const row = rows.get(ending.paymentId);
    if (row === undefined || row.pending_id !== ending.id) return undefined;
    const payment = endedRow(row, ending);
    rows.set(payment.id, payment);
    return payment;
  });
  const written = endings.filter((_, place) => ended[place] !== undefined);
  if (written.length === 0) return ended;
  const of = ended.filter((row) => row !== undefined);
  void tx.sql`
    SELECT payments.end_movements(${tenant}, ${new Date(tx.now())},
      ${written.map(({ id }) => id)}, ${written.map(({ isDone }) => (isDone ? "done" : "failed"))},
      ${written.map(({ reason = null }) => reason)}, ${written.map(({ transactionId = null }) => transactionId)},
      ${of.map(({ id }) => id)}, ${of.map((row) => row.status)}, ${of.map((row) => row.authorized_minor)},
      ${of.map((row) => row.captured_minor)}, ${of.map((row) => row.refunded_minor)}, ${of.map((row) => row.authorization_ref)})`;
  return ended;
}

function endedRow(row: PaymentRow, ending: Ending): PaymentRow {
  const next = nextOf(stateOf(row), ending);
  return {
    ...row,
    status: next.status,
    authorized_minor: next.authorizedMinor,
    captured_minor: next.capturedMinor,
    refunded_minor: next.refundedMinor,
    pending_kind: null,
    pending_id: null,
    pending_minor: 0,
    reason: ending.reason ?? null,
    authorization_ref: ending.authorizationRef ?? row.authorization_ref,
  };
}

function nextOf(state: PaymentState, { isDone, becomes }: Ending): PaymentState {
  if (!isDone) return undone(state, becomes);
  return done(state, becomes === "expired" ? "expired" : "canceled");
}

/** The fault that says why a movement cannot begin. */
export function refusalFault({ id, status }: PaymentRow, refusal: Refusal): Fault {
  if (refusal.refused === "inProgress") return payments.faults.inProgress({ id, kind: refusal.kind });
  if (refusal.refused === "wrongStatus") return payments.faults.wrongStatus({ id, status });
  return payments.faults.amountExceeded({ id, leftMinor: refusal.leftMinor });
}

/** A movement of a payment, by name. */
export interface MovementName {
  readonly paymentId: string;
  readonly id: string;
  readonly kind: MovementKind;
}
