import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AccountRow } from "../src/account/account.ts";
import { ListAccounts } from "../src/account/schemas.ts";
import { endOf, type HoldRow, refusalOfHold } from "../src/hold/hold.ts";
import { instant } from "../src/instant.ts";
import { metadata, PostTransaction, reference } from "../src/transaction/schemas.ts";
import { hasSameContent, mirrored, newTransaction, transactionOf } from "../src/transaction/transaction.ts";
import { accountRow } from "./account-row.ts";

const leg = (source: string, destination: string, amountMinor = 100) => ({
  source,
  destination,
  amountMinor,
  currency: "CZK",
});
const posting = fc.record({
  source: fc.constantFrom("a", "b", "c"),
  destination: fc.constantFrom("a", "b", "c"),
  amountMinor: fc.integer({ min: 1 }),
  currency: fc.constant("CZK"),
});

describe("a mirror", () => {
  test("of a mirror is the original", () => {
    fc.assert(
      fc.property(fc.array(posting), (postings) => {
        expect(mirrored(mirrored(postings))).toEqual(postings);
      }),
    );
  });
  test("leaves every account as it was", () => {
    fc.assert(
      fc.property(fc.array(posting), (postings) => {
        const sums = new Map<string, bigint>();
        for (const { source, destination, amountMinor } of [...postings, ...mirrored(postings)]) {
          sums.set(source, (sums.get(source) ?? 0n) - BigInt(amountMinor));
          sums.set(destination, (sums.get(destination) ?? 0n) + BigInt(amountMinor));
        }
        expect([...sums.values()].every((sum) => sum === 0n)).toBe(true);
      }),
    );
  });
});

describe("the same content", () => {
  const input = {
    reference: "r",
    postings: [leg("a", "b")],
    effectiveAt: "2026-01-01T01:00:00+01:00",
    metadata: { k: "v" },
  };
  const given = newTransaction("0", input);
  const stored = transactionOf({ ...given, id: "1" }, 7, "2026-01-02T00:00:00.000Z");

  test("is the same instant in another zone, and any where none is asked for", () => {
    expect(stored.effectiveAt).toBe("2026-01-01T00:00:00.000Z");
    expect(hasSameContent(stored, given)).toBe(true);
    expect(hasSameContent(stored, newTransaction("2", { ...input, effectiveAt: undefined }))).toBe(true);
  });
  test.each([
    ["another amount", { postings: [leg("a", "b", 101)] }],
    ["another order of legs", { postings: [leg("a", "b"), leg("b", "c")] }],
    ["another time", { effectiveAt: "2026-01-01T01:00:00Z" }],
    ["other metadata", { metadata: {} }],
  ])("is not %s", (_, change) => {
    expect(hasSameContent(stored, newTransaction("2", { ...input, ...change }))).toBe(false);
  });
});

describe("a hold", () => {
  const row = (address: string, change: Partial<AccountRow>): [string, AccountRow] => [
    address,
    accountRow(address, { floor_minor: 0, ...change }),
  ];
  const refusal = (amountMinor: number, source: Partial<AccountRow>, destination: Partial<AccountRow> = {}) =>
    (
      refusalOfHold(leg("a", "b", amountMinor), new Map([row("a", source), row("b", destination)])) as
        | { code?: string }
        | undefined
    )?.code;

  test("takes what is available to the last unit, and no unit more", () => {
    expect(refusal(60, { credits_minor: 100, pending_debit_minor: 40 })).toBeUndefined();
    expect(refusal(61, { credits_minor: 100, pending_debit_minor: 40 })).toBe("ledger.insufficientFunds");
    expect(refusal(61, { credits_minor: 100, pending_debit_minor: 40, floor_minor: -1 })).toBeUndefined();
    expect(refusal(1e15, { floor_minor: null })).toBeUndefined();
  });
  test("keeps both volumes within 2^53-1", () => {
    const most = Number.MAX_SAFE_INTEGER;
    expect(refusal(most, { floor_minor: null })).toBeUndefined();
    expect(refusal(most, { floor_minor: null, debits_minor: 1 })).toBe("ledger.amountOverflow");
    expect(refusal(2, { floor_minor: null }, { credits_minor: most - 3, pending_credit_minor: 2 })).toBe(
      "ledger.amountOverflow",
    );
  });
  test("ends at its expiry to the millisecond, unless something ended it before", () => {
    const hold = (change: Partial<HoldRow>) => ({ status: "active", expires_at: new Date(1000), ...change }) as HoldRow;
    expect(endOf(hold({}), 999)).toBeUndefined();
    expect(endOf(hold({}), 1000)).toBe("expired");
    expect(endOf(hold({ expires_at: null }), 1e15)).toBeUndefined();
    expect(endOf(hold({ status: "voided" }), 999)).toBe("voided");
  });
});

describe("input", () => {
  test.each([
    "2026-11-21",
    "2026-11-21T10:00:00",
    "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
  ])("refuses %s as an instant", (text) => {
    expect(instant.safeParse(text).success).toBe(false);
  });
  test("refuses what Postgres cannot store and what names nothing", () => {
    expect(reference.safeParse("a\u0000b").success).toBe(false);
    expect(reference.safeParse("").success).toBe(false);
    expect(reference.safeParse("\ud800").success).toBe(false);
    expect(ListAccounts.safeParse({ prefix: "a\u0000" }).success).toBe(false);
    expect(metadata.safeParse({ "a\u0000": "b" }).success).toBe(false);
    expect(metadata.safeParse(Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, ""]))).success).toBe(
      false,
    );
  });
  test.each([0, -1, 1.5, 2 ** 53, Number.NaN, "1"])("refuses %s as an amount", (amountMinor) => {
    const transaction = { reference: "r", postings: [{ ...leg("a", "b"), amountMinor }] };
    expect(PostTransaction.safeParse(transaction).success).toBe(false);
  });
});
