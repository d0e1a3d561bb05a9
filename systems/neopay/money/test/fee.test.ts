import fc from "fast-check";
import { expect, test } from "vitest";
import { amountMinorMax } from "../src/amount.ts";
import { type FeePlan, feeOf, feeOfPart, feePlan, shareFee } from "../src/fee.ts";

const plan = fc
  .record({
    basisPoints: fc.integer({ min: 0, max: 10_000 }),
    fixedMinor: fc.integer({ min: 0, max: 500 }),
    minimumMinor: fc.integer({ min: 0, max: 500 }),
    above: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: null }),
  })
  .map(({ above, ...rest }) => ({ ...rest, maximumMinor: above === null ? null : rest.minimumMinor + above }));

test.each<[string, Partial<FeePlan>, number, number]>([
  ["2.9 % and 0.30", { basisPoints: 290, fixedMinor: 30 }, 100_00, 3_20],
  ["a half is rounded up", { basisPoints: 50 }, 1_00, 1],
  ["less than a half is none", { basisPoints: 49 }, 1_00, 0],
  ["the minimum", { basisPoints: 100, minimumMinor: 50 }, 10_00, 50],
  ["the maximum", { basisPoints: 100, maximumMinor: 5_00 }, 10_000_00, 5_00],
  ["no more than there is", { basisPoints: 0, fixedMinor: 30 }, 7, 7],
  ["all of the largest amount", { basisPoints: 10_000 }, amountMinorMax, amountMinorMax],
])("%s", (_, terms, ...[amountMinor, feeMinor]) => {
  const given = feePlan.parse({ ...terms, shares: [{ account: "fees:x", weight: 1 }] });
  expect(feeOf(given, amountMinor)).toBe(feeMinor);
});

test("the fees of the parts are the fee of the whole, and no part costs more than it brings", () => {
  fc.assert(
    fc.property(
      plan,
      fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 8 }),
      (terms, parts) => {
        let taken = 0;
        let fees = 0;
        for (const part of parts) {
          const fee = feeOfPart(terms, taken, part);
          expect(fee).toBeGreaterThanOrEqual(0);
          expect(fee).toBeLessThanOrEqual(part);
          taken += part;
          fees += fee;
        }
        expect(fees).toBe(feeOf(terms, taken));
      },
    ),
  );
});

test("a fee is shared without a lost minor unit", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(weights, fc.integer({ min: 0, max: amountMinorMax }), (given, feeMinor) => {
      const shares = given.map((weight, at) => ({ account: `fees:${at}`, weight }));
      const shared = shareFee({ shares }, feeMinor);
      expect(shared.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n)).toBe(BigInt(feeMinor));
      expect(shared.every(({ amountMinor }) => amountMinor > 0)).toBe(true);
    }),
  );
});

test("a plan whose maximum is below its minimum is refused, and so is an account named twice", () => {
  const shares = [{ account: "fees:x", weight: 1 }];
  expect(feePlan.safeParse({ basisPoints: 1, minimumMinor: 2, maximumMinor: 1, shares }).success).toBe(false);
  expect(feePlan.safeParse({ basisPoints: 1, shares: [...shares, ...shares] }).success).toBe(false);
});
