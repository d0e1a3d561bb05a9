import { isFault } from "@banyan/kernel";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import { type OpenLedger, openLedger } from "./open-ledger.ts";

let books: OpenLedger;
beforeAll(async () => {
  books = await openLedger(inject("postgresUrl"));
  const { app } = books;
  await app.call(ledger.openAccount, { address: "world:bank", currency: "CZK", floorMinor: null });
  await app.call(ledger.openAccount, { address: "shop", currency: "CZK" });
});
afterAll(() => books.close());

const leg = { destination: "shop", currency: "CZK" };

async function walletOf(address: string, amountMinor: number): Promise<string> {
  const { app } = books;
  await app.call(ledger.openAccount, { address, currency: "CZK" });
  const postings = [{ source: "world:bank", destination: address, amountMinor, currency: "CZK" }];
  await app.call(ledger.post, { reference: `deposit ${address}`, postings });
  return address;
}

test("a hold is money that cannot be spent; committing a part releases the rest", async () => {
  const { app } = books;
  const source = await walletOf("ann", 100);
  const { id } = await app.call(ledger.placeHold, { ...leg, reference: "ann 1", source, amountMinor: 70 });
  expect(await app.call(ledger.account, { address: source })).toMatchObject({ balanceMinor: 100, availableMinor: 30 });
  const spend = app.call(ledger.post, { reference: "ann 2", postings: [{ ...leg, source, amountMinor: 31 }] });
  await expect(spend).rejects.toMatchObject({ code: "ledger.insufficientFunds", details: { availableMinor: 30 } });
  const committed = await app.call(ledger.commitHold, { id, amountMinor: 45 });
  expect(committed).toMatchObject({ status: "committed", capturedMinor: 45, amountMinor: 70 });
  expect(await app.call(ledger.transaction, { id: committed.transactionId as string })).toMatchObject({
    reference: "ann 1",
    postings: [{ ...leg, source, amountMinor: 45 }],
  });
  expect(await app.call(ledger.account, { address: source })).toMatchObject({ balanceMinor: 55, availableMinor: 55 });
});

test("of many that settle one hold at once one does", async () => {
  const { app } = books;
  const source = await walletOf("bob", 100);
  const { id } = await app.call(ledger.placeHold, { ...leg, reference: "bob 1", source, amountMinor: 100 });
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) =>
      n % 2 ? app.call(ledger.commitHold, { id }) : app.call(ledger.voidHold, { id }),
    ),
  );
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const answer of answers) {
    if (answer.status === "rejected") expect(isFault(answer.reason) && answer.reason.code).toBe("ledger.holdNotActive");
  }
  expect(await app.call(ledger.verify, {})).toMatchObject({ ok: true });
});

test("holds that are committed together are refused apart: what one leaves behind no other sees", async () => {
  const { app } = books;
  const source = await walletOf("kim", 100);
  const place = (reference: string) => app.call(ledger.placeHold, { ...leg, reference, source, amountMinor: 20 });
  const [a, b, c, d] = await Promise.all(["kim 1", "kim 2", "kim 3", "kim 4"].map(place));
  const rest = { reference: "kim rest" };
  const parts = [{ destination: "nobody", amountMinor: 5 }];
  const answers = await Promise.allSettled([
    app.call(ledger.commitHold, { id: a?.id ?? "", amountMinor: 5, rest }),
    app.call(ledger.commitHold, { id: b?.id ?? "", amountMinor: 5, rest }),
    app.call(ledger.commitHold, { id: c?.id ?? "", parts, rest: { reference: "kim rest 2" } }),
    app.call(ledger.commitHold, { id: d?.id ?? "", amountMinor: 5, rest: { reference: "kim 1" } }),
    app.call(ledger.commitHold, { id: a?.id ?? "" }),
    app.call(ledger.commitHold, { id: crypto.randomUUID() }),
  ]);
  const codes = answers.map((one) => (one.status === "fulfilled" ? one.value.status : one.reason.code));
  expect(codes).toEqual([
    "committed",
    "ledger.duplicateReference",
    "ledger.accountNotFound",
    "ledger.duplicateReference",
    "ledger.holdNotActive",
    "ledger.holdNotFound",
  ]);
  const { restId } = await app.call(ledger.hold, { id: a?.id ?? "" });
  expect(await app.call(ledger.hold, { id: restId ?? "" })).toMatchObject({ amountMinor: 15, ...rest });
  // The rest of the first, and the three that were refused.
  expect(await app.call(ledger.account, { address: source })).toMatchObject({
    balanceMinor: 95,
    pendingDebitMinor: 75,
  });
  expect(await app.call(ledger.verify, {})).toMatchObject({ ok: true });
});

test("an expired hold cannot be committed, even while the job that releases it is late", async () => {
  const { app, now, turn } = books;
  const source = await walletOf("cid", 100);
  const expiresAt = new Date(now() + 3_600_000).toISOString();
  const { id } = await app.call(ledger.placeHold, { ...leg, reference: "cid 1", source, amountMinor: 100, expiresAt });
  turn(3_600_000);
  await expect(app.call(ledger.commitHold, { id })).rejects.toMatchObject({
    code: "ledger.holdNotActive",
    details: { hold: id, status: "expired" },
  });
  expect(await app.call(ledger.account, { address: source })).toMatchObject({ pendingDebitMinor: 100 });
});

test("a job releases a hold at its expiry and says so", async () => {
  const { app, now, run } = books;
  const source = await walletOf("dee", 100);
  const expiresAt = new Date(now() + 200).toISOString();
  const { id } = await app.call(ledger.placeHold, { ...leg, reference: "dee 1", source, amountMinor: 100, expiresAt });
  await expect
    .poll(() => app.call(ledger.hold, { id }), { timeout: 20_000, interval: 50 })
    .toMatchObject({ status: "expired", capturedMinor: 0 });
  expect(await app.call(ledger.account, { address: source })).toMatchObject({
    availableMinor: 100,
    pendingDebitMinor: 0,
  });
  expect(await run(`SELECT type FROM banyan.event WHERE key = '${id}' ORDER BY version`)).toEqual([
    { type: "ledger.holdPlaced" },
    { type: "ledger.holdExpired" },
  ]);
  const late = app.call(ledger.placeHold, { ...leg, reference: "dee 2", source, amountMinor: 1, expiresAt });
  await expect(late).rejects.toMatchObject({ code: "ledger.holdExpiryPast" });
});

test("the database itself refuses a hold that captures more than it holds, or after its expiry", async () => {
  const { app, now, run } = books;
  const source = await walletOf("eve", 100);
  const expiresAt = new Date(now() + 3_600_000).toISOString();
  const { id } = await app.call(ledger.placeHold, { ...leg, reference: "eve 1", source, amountMinor: 10, expiresAt });
  const commit = (amount: number, at: string) =>
    run(`UPDATE ledger.hold SET status = 'committed', captured_minor = ${amount}, settled_at = '${at}',
      transaction_id = (SELECT id FROM ledger.transaction LIMIT 1) WHERE id = '${id}'`);
  await expect(commit(11, new Date(now()).toISOString())).rejects.toMatchObject({
    constraint: "hold_captures_at_most_its_amount",
  });
  await expect(commit(10, expiresAt)).rejects.toMatchObject({ constraint: "hold_expired_is_not_committed" });
});

test("a hold is captured in parts, each split over the accounts that share it, and the rest stays held throughout", async () => {
  const { app } = books;
  await app.call(ledger.openAccount, { address: "fees", currency: "CZK" });
  const source = await walletOf("fay", 100);
  const first = await app.call(ledger.placeHold, { ...leg, reference: "fay 1", source, amountMinor: 90 });
  const parts = [
    { destination: "shop", amountMinor: 37 },
    { destination: "fees", amountMinor: 3 },
  ];
  const committed = await app.call(ledger.commitHold, { id: first.id, parts, rest: { reference: "fay 2" } });
  expect(committed).toMatchObject({ capturedMinor: 40, restId: expect.any(String) });
  expect(await app.call(ledger.transaction, { id: committed.transactionId as string })).toMatchObject({
    reference: "fay 1",
    postings: [
      { source, destination: "shop", amountMinor: 37 },
      { source, destination: "fees", amountMinor: 3 },
    ],
  });
  const rest = { id: committed.restId as string };
  expect(await app.call(ledger.hold, rest)).toMatchObject({ reference: "fay 2", amountMinor: 50, status: "active" });
  expect(await app.call(ledger.account, { address: source })).toMatchObject({ balanceMinor: 60, availableMinor: 10 });
  const tooMuch = app.call(ledger.commitHold, { ...rest, parts: [{ destination: "shop", amountMinor: 51 }] });
  await expect(tooMuch).rejects.toMatchObject({ code: "ledger.holdExceeded" });
  const taken = app.call(ledger.commitHold, { ...rest, amountMinor: 20, rest: { reference: "fay 1" } });
  await expect(taken).rejects.toMatchObject({ code: "ledger.duplicateReference" });
  const last = await app.call(ledger.commitHold, { ...rest, rest: { reference: "fay 3" } });
  expect(last).toMatchObject({ capturedMinor: 50, restId: null });
  expect(await app.call(ledger.account, { address: source })).toMatchObject({ balanceMinor: 10, pendingDebitMinor: 0 });
  expect(await app.call(ledger.verify, {})).toMatchObject({ ok: true });
});
