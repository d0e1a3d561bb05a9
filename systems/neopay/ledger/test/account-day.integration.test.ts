import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import { type OpenLedger, openLedger, ownerOf } from "./open-ledger.ts";

let books: OpenLedger;
beforeAll(async () => {
  books = await openLedger(inject("postgresUrl"));
});
afterAll(() => books.close());

const days = ["2024-01-01", "2024-02-28", "2024-02-29", "2024-03-01", "2024-12-31"];
const allDays = `SELECT d.*, a.tenant, a.address FROM ledger.account_day AS d JOIN ledger.account AS a ON a.id = d.account_id
  ORDER BY a.tenant, a.address, d.day`;

test("rebuilt equals live, for every tenant, and balances read from it are those of the entries", async () => {
  const { app, run } = books;
  for (const tenant of ["one", "two"]) {
    const identity = ownerOf(tenant);
    for (const address of ["world:bank", "a", "b", "c"]) {
      await app.call(ledger.openAccount, { address, currency: "CZK", floorMinor: null }, { identity });
    }
    const transactions = Array.from({ length: 200 }, (_, n) => ({
      reference: `t${n}`,
      // Later ones count earlier: days do not come in order.
      effectiveAt: `${days[(n * 7) % days.length]}T${String(n % 24).padStart(2, "0")}:59:59.999Z`,
      postings: [
        {
          source: ["world:bank", "a", "b"][n % 3] as string,
          destination: ["a", "b", "c"][n % 3] as string,
          amountMinor: 1 + n,
          currency: "CZK",
        },
        { source: "world:bank", destination: "c", amountMinor: 3, currency: "CZK" },
      ],
    }));
    await app.call(ledger.postBulk, { transactions }, { identity });
    const { id } = await app.call(ledger.transactionByReference, { reference: "t5" }, { identity });
    await app.call(ledger.revert, { id, effectiveAt: "2024-03-01T00:00:00Z" }, { identity });
  }
  await app.settled();
  const live = await run(allDays);
  expect(live.length).toBeGreaterThan(30);
  expect(await app.rebuild("ledger.accountDay")).toEqual({ foldedCount: 6 });
  expect(await run(allDays)).toEqual(live);

  const identity = ownerOf("one");
  for (const address of ["world:bank", "a", "b", "c"]) {
    for (const day of days) {
      const ofDay = await app.call(ledger.balance, { address, at: day }, { identity });
      const ofInstant = await app.call(ledger.balance, { address, at: `${day}T23:59:59.999Z` }, { identity });
      expect(ofDay).toEqual(ofInstant);
    }
  }
});

test("a balance at a day is right while the projection lags", async () => {
  const { app, run } = books;
  const identity = ownerOf("one");
  const ofInstant = await app.call(ledger.balance, { address: "a", at: "2024-03-02T23:59:59.999Z" }, { identity });
  expect(ofInstant.balanceMinor).not.toBe(0);
  await run("DELETE FROM ledger.account_day WHERE day = '2024-02-29'");
  // A day that nobody asked for yet, so that no answer is cached.
  expect(await app.call(ledger.balance, { address: "a", at: "2024-03-02" }, { identity })).toEqual(ofInstant);
});

test.each(["0000-01-01", "2026-02-30", "yesterday"])(
  "a balance at %s is refused by its field, with what it takes",
  async (at) => {
    const asked = books.app.call(ledger.balance, { address: "a", at }, { identity: ownerOf("one") });
    const message = expect.stringContaining("must be an instant such as 2026-11-21T09:30:00Z, or a date");
    await expect(asked).rejects.toMatchObject({
      code: "kernel.invalidInput",
      details: { issues: [{ path: "at", message }] },
    });
  },
);
