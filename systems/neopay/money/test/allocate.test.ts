import fc from "fast-check";
import { expect, test } from "vitest";
import { allocate, amountMinorMax, MoneyError } from "../src/index.ts";

const anyWeights = fc
  .array(fc.nat(1_000_000_000), { minLength: 1, maxLength: 20 })
  .filter((weights) => weights.some((weight) => weight > 0));
const anyMinor = fc.integer({ min: -amountMinorMax, max: amountMinorMax });

test.each([
  [100, [1, 1, 1], [34, 33, 33]],
  [5, [3, 7], [2, 3]],
  [1, [1, 1], [1, 0]],
  [-100, [1, 1, 1], [-34, -33, -33]],
  [0, [1, 2], [0, 0]],
  [10, [0, 1, 0], [0, 10, 0]],
  [10_000, [290, 9_710], [290, 9_710]],
])("splits %d by %j into %j", (amount, weights, parts) => {
  expect(allocate(amount, weights)).toEqual(parts);
});

test("loses nothing, and no part is a whole unit away from its exact share", () => {
  fc.assert(
    fc.property(anyMinor, anyWeights, (amount, weights) => {
      const parts = allocate(amount, weights);
      expect(parts.reduce((sum, part) => sum + BigInt(part), 0n)).toBe(BigInt(amount));
      const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
      for (const [index, part] of parts.entries()) {
        const distance = BigInt(part) * total - BigInt(amount) * BigInt(weights[index] ?? 0);
        expect(distance < total && distance > -total).toBe(true);
      }
    }),
  );
});

test("gives a larger remainder its unit before a smaller one", () => {
  fc.assert(
    fc.property(fc.nat(amountMinorMax), anyWeights, (amount, weights) => {
      const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
      const shares = allocate(amount, weights).map((part, index) => {
        const exact = BigInt(amount) * BigInt(weights[index] ?? 0);
        return {
          raised: BigInt(part) > exact / total,
          remainder: exact % total,
        };
      });
      const raised = shares.filter((share) => share.raised).map((share) => share.remainder);
      const kept = shares.filter((share) => !share.raised).map((share) => share.remainder);
      for (const more of raised) for (const less of kept) expect(more >= less).toBe(true);
    }),
  );
});

test.each([[[]], [[0, 0]], [[-1, 2]], [[0.5]], [[Number.NaN]]])("refuses the weights %j", (weights) => {
  expect(() => allocate(100, weights)).toThrow(MoneyError);
});
