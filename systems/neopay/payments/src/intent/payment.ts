/*
 * A payment, in numbered rules:
 * P1  Money moves by one movement at a time: an authorization, a capture, a refund or a release. Each is begun, then done or failed.
 * P2  captured + being captured <= authorized <= amount.
 * P3  refunded + disputed + being refunded <= captured.
 * P4  An authorization is tried once: where it fails, or the capture that goes with it, the payment has failed.
 * P5  Releasing gives back what was not captured: cancelled or expired where nothing was, succeeded where something was.
 * P6  From `expiresAt` on nothing is authorised or captured. Refunds have no end.
 */

/** Where a payment stands. The last four are final but for refunds and disputes. */
export type PaymentStatus =
  | "requires_payment_method"
  | "requires_capture"
  | "partially_captured"
  | "succeeded"
  | "failed"
  | "canceled"
  | "expired";

export type MovementKind = "authorization" | "capture" | "refund" | "release";

/** What the rules look at. Amounts in minor units, `expiresAt` in milliseconds since 1970. */
export interface PaymentState {
  readonly status: PaymentStatus;
  readonly amountMinor: number;
  readonly authorizedMinor: number;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  readonly disputedMinor: number;
  readonly pending: { readonly kind: MovementKind; readonly amountMinor: number } | null;
  readonly expiresAt: number;
}

/** What somebody wants: `amountMinor` is all that is left where it is undefined. */
export interface Wish {
  readonly kind: MovementKind;
  readonly amountMinor?: number | undefined;
}

/** Why a movement cannot begin. `leftMinor` is what could be asked for. */
export type Refusal =
  | { readonly refused: "inProgress"; readonly kind: MovementKind }
  | { readonly refused: "wrongStatus" }
  | { readonly refused: "exceeded"; readonly leftMinor: number };

const beginsIn: Readonly<Record<MovementKind, readonly PaymentStatus[]>> = {
  authorization: ["requires_payment_method"],
  capture: ["requires_capture", "partially_captured"],
  refund: ["partially_captured", "succeeded"],
  release: ["requires_payment_method", "requires_capture", "partially_captured"],
};

/** What a movement of the kind could move now. */
function leftMinor(state: PaymentState, kind: MovementKind): number {
  if (kind === "authorization") return state.amountMinor;
  if (kind === "refund") return state.capturedMinor - state.refundedMinor - state.disputedMinor;
  return state.authorizedMinor - state.capturedMinor;
}

/** The payment with the movement under way, or why it cannot begin. `now` in milliseconds since 1970. */
export function begin(state: PaymentState, { kind, amountMinor }: Wish, now: number): PaymentState | Refusal {
  if (state.pending !== null) return { refused: "inProgress", kind: state.pending.kind };
  const isOver = now >= state.expiresAt && (kind === "authorization" || kind === "capture");
  if (isOver || !beginsIn[kind].includes(state.status)) return { refused: "wrongStatus" };
  const left = leftMinor(state, kind);
  const wanted = amountMinor ?? left;
  if (wanted > left || (wanted === 0 && kind !== "release")) return { refused: "exceeded", leftMinor: left };
  return { ...state, pending: { kind, amountMinor: wanted } };
}

/** The payment after its movement was done. `released` is what a payment becomes that nothing was captured of. */
export function done(state: PaymentState, released: "canceled" | "expired" = "canceled"): PaymentState {
  const { kind, amountMinor } = pendingOf(state);
  const after = { ...state, pending: null };
  if (kind === "authorization") return { ...after, status: "requires_capture", authorizedMinor: amountMinor };
  if (kind === "refund") return { ...after, refundedMinor: state.refundedMinor + amountMinor };
  if (kind === "release") return { ...after, status: state.capturedMinor > 0 ? "succeeded" : released };
  const capturedMinor = state.capturedMinor + amountMinor;
  const isWhole = capturedMinor === state.authorizedMinor;
  return { ...after, capturedMinor, status: isWhole ? "succeeded" : "partially_captured" };
}

/** The payment after its movement came to nothing. `ended` is what a payment becomes that was not authorised. */
export function undone(state: PaymentState, ended: "failed" | "canceled" | "expired" = "failed"): PaymentState {
  const { kind } = pendingOf(state);
  return { ...state, pending: null, status: kind === "authorization" ? ended : state.status };
}

function pendingOf({ pending }: PaymentState): NonNullable<PaymentState["pending"]> {
  if (pending === null) throw new Error("a movement ended that had not begun");
  return pending;
}

/** The codes that merchants of NeoPay know; 30 and 98 come with the faults that refuse a payment. */
export function resultCodeOf({ status, pending }: Pick<PaymentState, "status" | "pending">): number {
  if (pending !== null) return 9;
  return resultCodes[status];
}

const resultCodes: Readonly<Record<PaymentStatus, number>> = {
  requires_payment_method: 99,
  requires_capture: 99,
  partially_captured: 0,
  succeeded: 0,
  failed: 1,
  canceled: 18,
  expired: 17,
};
