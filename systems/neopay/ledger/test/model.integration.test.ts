import { isFault } from "@banyan/kernel";
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import type { BalanceCrossed } from "../src/monitor/schemas.ts";
import { createModel, type Reply } from "./ledger-model.ts";
import { type OpenLedger, openLedger, ownerOf } from "./open-ledger.ts";

let books: OpenLedger;
beforeAll(async () => {
  books = await openLedger(inject("postgresUrl"));
});
afterAll(() => books.close());

const opened = ["world:bank", "users:ann", "users:bob", "shop:a"];
const day = (n: number) => Date.UTC(2026, 0, 1 + n, 12);

/** Mostly what is open, with the bank often, so that there is money to move. */
const address = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom("world:bank", ...opened) },
  { weight: 1, arbitrary: fc.constant("users:late") },
);
const amountMinor = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 53 - 1, 2 ** 52) },
);
const currency = fc.oneof({ weight: 40, arbitrary: fc.constant("CZK") }, { weight: 1, arbitrary: fc.constant("EUR") });
const anyLeg = fc.record({ source: address, destination: address, amountMinor, currency });
const leg = fc.oneof(
  { weight: 30, arbitrary: anyLeg.filter(({ source, destination }) => source !== destination) },
  { weight: 1, arbitrary: anyLeg },
);
const reference = fc.integer({ min: 1, max: 60 }).map((n) => `r${n}`);
const transaction = fc.record({
  reference,
  postings: fc.array(leg, { minLength: 1, maxLength: 4 }),
  effectiveAt: fc.option(fc.integer({ min: 0, max: 5 }).map(day), { nil: undefined }),
});
const floorMinor = fc.constantFrom(null, 0, 0, -50);

const step = fc.oneof(
  fc.record({ kind: fc.constant("open" as const), address, currency, floorMinor }),
  fc.record({ kind: fc.constant("close" as const), address }),
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("post" as const), transaction }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("bulk" as const),
      transactions: fc.array(transaction, { minLength: 1, maxLength: 8 }),
      atomic: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("together" as const),
      transactions: fc.array(transaction, { minLength: 2, maxLength: 8 }),
    }),
  },
  fc.record({ kind: fc.constant("revert" as const), pick: fc.nat() }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("hold" as const), reference, leg, expires: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      pick: fc.nat(),
      amountMinor: fc.oneof(fc.constant("all" as const), fc.constant("none" as const), fc.integer({ min: 1, max: 70 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("monitor" as const),
      reference: fc.integer({ min: 1, max: 8 }).map((n) => `m${n}`),
      account: address,
      direction: fc.constantFrom("below" as const, "above" as const),
      thresholdMinor: fc.integer({ min: -60, max: 120 }),
    }),
  },
  fc.record({ kind: fc.constant("unmonitor" as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant("turn" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const hourMs = 3_600_000;
let tenants = 0;
let crossings = 0;

test("an independent model predicts every reply, every balance, every entry and every crossing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const run = createRun(`t${++tenants}`);
      for (const one of opening) await run.take(one);
      for (const one of steps) await run.take(one);
      await run.check();
    }),
    { numRuns: 60 },
  );
  expect(crossings).toBeGreaterThan(50);
}, 120_000);

const opening: readonly Step[] = [
  { kind: "open", address: "world:bank", currency: "CZK", floorMinor: null },
  { kind: "open", address: "users:ann", currency: "CZK", floorMinor: 0 },
  { kind: "open", address: "users:bob", currency: "CZK", floorMinor: -50 },
  { kind: "open", address: "shop:a", currency: "CZK", floorMinor: 0 },
  ...opened.flatMap((account) =>
    (["below", "above"] as const).map((direction) => {
      return { kind: "monitor" as const, reference: `${account} ${direction}`, account, direction, thresholdMinor: 0 };
    }),
  ),
];

function createRun(tenant: string) {
  const { app, turn } = books;
  const identity = ownerOf(tenant);
  const model = createModel();
  const ids = new Map<string, string>();
  let now = books.now();
  const iso = (at: number | undefined) => (at === undefined ? {} : { effectiveAt: new Date(at).toISOString() });

  const call: typeof app.call = (action, input) => app.call(action, input, { identity });
  const replyOf = async (answer: Promise<unknown>, value: (result: never) => unknown): Promise<Reply> => {
    try {
      return { ok: value((await answer) as never) };
    } catch (error) {
      if (!isFault(error)) throw error;
      return { fault: error.code, details: error.details as Record<string, unknown> };
    }
  };
  /** The real reply says at least what the model says; ids are its own. */
  const agree = (real: Reply, predicted: Reply) => expect(real).toMatchObject(predicted);

  const post = (each: { reference: string; postings: unknown; effectiveAt: number | undefined }): Promise<Reply> =>
    replyOf(
      call(ledger.post, { ...each, ...iso(each.effectiveAt) } as never),
      (posted: { id: string; reference: string }) => {
        ids.set(posted.reference, posted.id);
        return posted.reference;
      },
    );

  async function take(one: Step): Promise<void> {
    switch (one.kind) {
      case "open": {
        const real = await replyOf(
          call(ledger.openAccount, { address: one.address, currency: one.currency, floorMinor: one.floorMinor }),
          (account: { address: string }) => account.address,
        );
        return agree(real, model.open(one.address, one.currency, one.floorMinor));
      }
      case "close": {
        const real = await replyOf(
          call(ledger.closeAccount, { address: one.address }),
          (account: { address: string }) => account.address,
        );
        return agree(real, model.close(one.address));
      }
      case "post":
        return agree(await post(one.transaction), model.post(one.transaction, now));
      case "together": {
        // Calls of one turn of the event loop are one group, in their order.
        const replies = await Promise.all(one.transactions.map(post));
        const predicted = one.transactions.map((each) => model.post(each, now));
        for (const [place, real] of replies.entries()) agree(real, predicted[place] as Reply);
        return;
      }
      case "bulk": {
        const transactions = one.transactions.map((each) => ({ ...each, ...iso(each.effectiveAt) }));
        const { results } = await call(ledger.postBulk, { transactions, atomic: one.atomic } as never);
        for (const { status, reference: name, id } of results)
          if (status === "posted" && id !== null) ids.set(name, id);
        const said = results.map(({ status, fault }) =>
          status === "duplicate" ? "ledger.duplicateReference" : (fault?.code ?? status),
        );
        return expect(said).toEqual(model.bulk(one.transactions, one.atomic, now));
      }
      case "revert": {
        const references = model.references().filter((name) => ids.has(name));
        const name = references[one.pick % references.length];
        if (name === undefined) return;
        const mirror = `undo ${name}`;
        const real = await replyOf(
          call(ledger.revert, { id: ids.get(name) as string, reference: mirror }),
          (posted: { id: string; reference: string }) => {
            ids.set(posted.reference, posted.id);
            return posted.reference;
          },
        );
        return agree(real, model.revert(name, now, mirror));
      }
      case "hold": {
        const expiresAt = one.expires ? now + hourMs : undefined;
        const input = {
          reference: one.reference,
          ...one.leg,
          ...(expiresAt && { expiresAt: new Date(expiresAt).toISOString() }),
        };
        const real = await replyOf(call(ledger.placeHold, input), (hold: { id: string; reference: string }) => {
          ids.set(`hold ${hold.reference}`, hold.id);
          return hold.reference;
        });
        return agree(real, model.hold(one.reference, one.leg, expiresAt));
      }
      case "settle": {
        const references = model.holdReferences();
        const name = references[one.pick % references.length];
        if (name === undefined) return;
        const id = ids.get(`hold ${name}`) as string;
        const answer =
          one.amountMinor === "none"
            ? call(ledger.voidHold, { id })
            : call(ledger.commitHold, one.amountMinor === "all" ? { id } : { id, amountMinor: one.amountMinor });
        const real = await replyOf(answer, (hold: { capturedMinor: number; transactionId: string | null }) => {
          if (hold.transactionId !== null) ids.set(name, hold.transactionId);
          return hold.capturedMinor;
        });
        return agree(real, model.settle(name, one.amountMinor, now));
      }
      case "monitor": {
        const { kind, ...wanted } = one;
        const real = await replyOf(call(ledger.setMonitor, wanted), (set: { id: string; reference: string }) => {
          ids.set(`monitor ${set.reference}`, set.id);
          return set.reference;
        });
        return agree(real, model.monitor(wanted));
      }
      case "unmonitor": {
        const references = model.monitorReferences();
        const name = references[one.pick % references.length];
        if (name === undefined) return;
        const real = await replyOf(
          call(ledger.removeMonitor, { id: ids.get(`monitor ${name}`) as string }),
          (removed: { reference: string }) => removed.reference,
        );
        return agree(real, model.unmonitor(name));
      }
      case "turn":
        turn(2 * hourMs);
        now += 2 * hourMs;
    }
  }

  /** What was told of crossings, of each account in its order. */
  async function crossingsTold() {
    const names = new Map([...ids].map(([name, id]) => [id, name]));
    const rows = await books.run(`SELECT data::jsonb AS crossing FROM banyan.event
      WHERE tenant = '${tenant}' AND type = 'ledger.balanceCrossed' ORDER BY key, version`);
    return (rows as { crossing: BalanceCrossed }[]).map(({ crossing }) => ({
      account: crossing.account,
      reference: crossing.reference,
      transaction: names.get(crossing.transactionId),
      before: crossing.balanceBeforeMinor,
      after: crossing.balanceAfterMinor,
    }));
  }

  async function check(): Promise<void> {
    const told = await crossingsTold();
    crossings += told.length;
    for (const each of model.addresses()) {
      expect(await call(ledger.account, { address: each })).toMatchObject(model.account(each));
      const { entries } = await call(ledger.entries, { address: each, limit: 1000 });
      expect(entries.map(({ changeMinor }) => changeMinor)).toEqual(model.changes(each));
      let runningMinor = 0;
      for (const entry of entries) {
        runningMinor += entry.changeMinor;
        expect(entry.balanceMinor).toBe(runningMinor);
      }
      expect(told.filter(({ account }) => account === each).map(({ account: _, ...crossing }) => crossing)).toEqual(
        model.crossings(each),
      );
      for (const n of [-1, 0, 2, 5]) {
        const { balanceMinor } = await call(ledger.balance, { address: each, at: new Date(day(n)).toISOString() });
        expect(balanceMinor).toBe(model.balanceAt(each, day(n)));
      }
    }
    const { currencies } = await call(ledger.trialBalance, {});
    for (const { differenceMinor, pendingDifferenceMinor } of currencies) {
      expect([differenceMinor, pendingDifferenceMinor]).toEqual([0, 0]);
    }
    expect(await call(ledger.verify, {})).toMatchObject({ ok: true, checkedCount: model.references().length });
  }

  return { take, check };
}
