import fc from "fast-check";
import { expect, test } from "vitest";
import { begin, done, type MovementKind, type PaymentState, resultCodeOf, undone } from "../src/intent/payment.ts";

const fresh: PaymentState = {
  status: "requires_payment_method",
  amountMinor: 1_000,
  authorizedMinor: 0,
  capturedMinor: 0,
  refundedMinor: 0,
  disputedMinor: 0,
  pending: null,
  expiresAt: 100,
};

const kind = fc.constantFrom<MovementKind>("authorization", "capture", "refund", "release");
const step = fc.oneof(
  fc.record({
    do: fc.constant("begin" as const),
    kind,
    amountMinor: fc.option(fc.integer({ min: 1, max: 1_200 }), { nil: undefined }),
  }),
  fc.record({ do: fc.constantFrom("done" as const, "undone" as const) }),
);

function after(state: PaymentState, given: typeof step extends fc.Arbitrary<infer S> ? S : never): PaymentState {
  if (given.do === "begin") {
    const next = begin(state, given, 50);
    return "refused" in next ? state : next;
  }
  if (state.pending === null) return state;
  return given.do === "done" ? done(state) : undone(state);
}

test("whatever is asked in whatever order, no more is captured than authorised and no more given back than captured", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let state = fresh;
      for (const given of steps) {
        const before = state;
        state = after(state, given);
        const capturing = state.pending?.kind === "capture" ? state.pending.amountMinor : 0;
        const refunding = state.pending?.kind === "refund" ? state.pending.amountMinor : 0;
        expect(state.authorizedMinor).toBeLessThanOrEqual(state.amountMinor);
        expect(state.capturedMinor + capturing).toBeLessThanOrEqual(state.authorizedMinor);
        expect(state.refundedMinor + refunding).toBeLessThanOrEqual(state.capturedMinor);
        expect(state.capturedMinor).toBeGreaterThanOrEqual(before.capturedMinor);
        expect(state.capturedMinor > 0).toBe(state.status === "partially_captured" || state.status === "succeeded");
      }
    }),
  );
});

test("a final payment stays what it is", () => {
  for (const status of ["failed", "canceled", "expired"] as const) {
    for (const wanted of ["authorization", "capture", "refund", "release"] as const) {
      expect(begin({ ...fresh, status }, { kind: wanted }, 50)).toEqual({ refused: "wrongStatus" });
    }
  }
});

test("one movement at a time", () => {
  const busy = begin(fresh, { kind: "authorization" }, 50) as PaymentState;
  expect(begin(busy, { kind: "release" }, 50)).toEqual({ refused: "inProgress", kind: "authorization" });
  expect(resultCodeOf(busy)).toBe(9);
});

test("nothing is authorised or captured from its expiry on, and the rest can still be released", () => {
  expect(begin(fresh, { kind: "authorization" }, 100)).toEqual({ refused: "wrongStatus" });
  const held: PaymentState = { ...fresh, status: "requires_capture", authorizedMinor: 1_000 };
  expect(begin(held, { kind: "capture" }, 100)).toEqual({ refused: "wrongStatus" });
  expect(done(begin(held, { kind: "release" }, 100) as PaymentState, "expired").status).toBe("expired");
});

test("releasing the rest of a payment that was captured in part makes it a success", () => {
  const part: PaymentState = { ...fresh, status: "partially_captured", authorizedMinor: 1_000, capturedMinor: 400 };
  expect(begin(part, { kind: "release" }, 50)).toMatchObject({ pending: { kind: "release", amountMinor: 600 } });
  expect(done(begin(part, { kind: "release" }, 50) as PaymentState)).toMatchObject({
    status: "succeeded",
    capturedMinor: 400,
  });
});

test("what a dispute took cannot be refunded", () => {
  const paid: PaymentState = {
    ...fresh,
    status: "succeeded",
    authorizedMinor: 1_000,
    capturedMinor: 1_000,
    disputedMinor: 700,
  };
  expect(begin(paid, { kind: "refund", amountMinor: 301 }, 50)).toEqual({ refused: "exceeded", leftMinor: 300 });
});
