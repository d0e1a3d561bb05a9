import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import { ledgerService } from "../src/index.ts";
import type { ScheduledTransaction } from "../src/scheduled/schemas.ts";
import { type OpenLedger, openLedger } from "./open-ledger.ts";

let books: OpenLedger;
beforeAll(async () => {
  books = await openLedger(inject("postgresUrl"));
  const { app } = books;
  await app.call(ledger.openAccount, { address: "world:bank", currency: "CZK", floorMinor: null });
  await app.call(ledger.openAccount, { address: "shop", currency: "CZK" });
});
afterAll(() => books.close());

const hourMs = 3_600_000;
const past = "2020-01-01T00:00:00Z";
const leg = (source: string, amountMinor: number) => ({ source, destination: "shop", amountMinor, currency: "CZK" });
const pay = (reference: string, scheduledAt: string, postings = [leg("world:bank", 10)]) => ({
  reference,
  postings,
  scheduledAt,
});
const later = (ms: number) => new Date(books.now() + ms).toISOString();

/** Lets the queue give out what it keeps for later, as it would when the time has come by its own clock. */
const makeDue = () => books.run("UPDATE banyan.job SET due_at = now() WHERE type = 'ledger.postScheduled'");

function read({ id }: Pick<ScheduledTransaction, "id">): Promise<ScheduledTransaction> {
  return books.app.call(ledger.scheduledTransaction, { id });
}

async function ended(scheduled: ScheduledTransaction): Promise<ScheduledTransaction> {
  await expect.poll(() => read(scheduled).then(({ status }) => status), { timeout: 20_000 }).not.toBe("scheduled");
  return await read(scheduled);
}

function told({ id }: ScheduledTransaction): Promise<Record<string, unknown>[]> {
  return books.run(`SELECT type FROM banyan.event WHERE key = '${id}' ORDER BY version`);
}

test("what is scheduled moves nothing before its time, by the ledger's clock, and is then posted", async () => {
  const { app, run, turn } = books;
  const metadata = { rent: "May" };
  const scheduledAt = later(hourMs);
  const waiting = await app.call(ledger.schedule, { ...pay("rent", scheduledAt), metadata });
  expect(waiting).toEqual({
    id: expect.any(String),
    ...pay("rent", scheduledAt),
    status: "scheduled",
    transactionId: null,
    fault: null,
    metadata,
  });
  const [before] = await run("SELECT id FROM banyan.job WHERE type = 'ledger.postScheduled'");
  await makeDue();
  // The queue's clock ran ahead: the job put itself off.
  await expect
    .poll(() => run("SELECT id FROM banyan.job WHERE type = 'ledger.postScheduled'"), { timeout: 20_000 })
    .toEqual([{ id: expect.not.stringMatching(String(before?.id)) }]);
  expect(await read(waiting)).toEqual(waiting);
  expect(await app.call(ledger.account, { address: "shop" })).toMatchObject({ balanceMinor: 0, pendingCreditMinor: 0 });
  turn(hourMs);
  await makeDue();
  const posted = await ended(waiting);
  expect(posted).toEqual({ ...waiting, status: "posted", transactionId: expect.any(String) });
  const transaction = await app.call(ledger.transactionByReference, { reference: "rent" });
  expect(transaction).toMatchObject({ id: posted.transactionId, postings: waiting.postings, metadata });
  expect(transaction.effectiveAt).toBe(transaction.recordedAt);
  expect(await app.call(ledger.account, { address: "shop" })).toMatchObject({ balanceMinor: 10 });
  expect(await told(waiting)).toEqual([{ type: "ledger.scheduled" }]);
  const spoken = await run(`SELECT type FROM banyan.event WHERE data::jsonb->>'id' = '${posted.transactionId}'`);
  expect(spoken).toEqual([{ type: "ledger.posted" }]);
});

describe("refused for good, with the fault of then:", () => {
  const twice = "a reference that was used meanwhile";
  beforeAll(async () => {
    for (const address of ["poor", "leaver"]) await books.app.call(ledger.openAccount, { address, currency: "CZK" });
  });

  test.each<[string, { source: string; fault: string; details: object; meanwhile?: () => Promise<unknown> }]>([
    [
      "an empty account",
      { source: "poor", fault: "insufficientFunds", details: { account: "poor", availableMinor: 0 } },
    ],
    [
      "an account that was never opened",
      { source: "nobody", fault: "accountNotFound", details: { account: "nobody" } },
    ],
    [
      "an account that was closed meanwhile",
      {
        source: "leaver",
        fault: "accountClosed",
        details: { account: "leaver" },
        meanwhile: () => books.app.call(ledger.closeAccount, { address: "leaver" }),
      },
    ],
    [
      twice,
      {
        source: "world:bank",
        fault: "duplicateReference",
        details: { reference: twice, existingId: expect.any(String), sameContent: false },
        meanwhile: () => books.app.call(ledger.post, { reference: twice, postings: [leg("world:bank", 7)] }),
      },
    ],
  ])("%s", async (reference, { source, fault, details, meanwhile }) => {
    const waiting = await books.app.call(ledger.schedule, pay(reference, later(hourMs), [leg(source, 100)]));
    await meanwhile?.();
    books.turn(hourMs);
    await makeDue();
    expect(await ended(waiting)).toEqual({
      ...waiting,
      status: "refused",
      fault: { code: `ledger.${fault}`, message: expect.any(String), details },
    });
    expect(await told(waiting)).toEqual([{ type: "ledger.scheduled" }, { type: "ledger.scheduledRefused" }]);
  });
});

test("canceled before its time it is never posted; once it has ended it cannot be canceled", async () => {
  const { app, turn, run } = books;
  const waiting = await app.call(ledger.schedule, pay("canceled", later(hourMs)));
  const canceled = await app.call(ledger.cancelScheduled, { id: waiting.id });
  expect(canceled).toEqual({ ...waiting, status: "canceled" });
  turn(hourMs);
  await makeDue();
  await expect
    .poll(() => run("SELECT id FROM banyan.job WHERE type = 'ledger.postScheduled'"), { timeout: 20_000 })
    .toEqual([]);
  expect(await read(waiting)).toEqual(canceled);
  const posted = app.call(ledger.transactionByReference, { reference: "canceled" });
  await expect(posted).rejects.toMatchObject({ code: "ledger.transactionNotFound" });
  expect(await told(waiting)).toEqual([{ type: "ledger.scheduled" }, { type: "ledger.scheduledCanceled" }]);

  const done = await ended(await app.call(ledger.schedule, pay("too late", past)));
  for (const { id, status } of [canceled, done]) {
    await expect(app.call(ledger.cancelScheduled, { id })).rejects.toMatchObject({
      code: "ledger.scheduledEnded",
      details: { scheduled: id, status },
    });
  }
  const id = crypto.randomUUID();
  for (const ask of [() => app.call(ledger.cancelScheduled, { id }), () => read({ id })]) {
    await expect(ask()).rejects.toMatchObject({ code: "ledger.scheduledNotFound", details: { scheduled: id } });
  }
});

test("a reference is used once: by a transaction, a hold or a scheduled transaction, whatever became of it", async () => {
  const { app } = books;
  const posted = await app.call(ledger.post, { reference: "once 1", postings: [leg("world:bank", 10)] });
  const held = await app.call(ledger.placeHold, { reference: "once 2", ...leg("world:bank", 10) });
  const waiting = await app.call(ledger.schedule, pay("once 3", later(hourMs)));
  await app.call(ledger.cancelScheduled, { id: waiting.id });
  const again = (reference: string, change: object = {}) =>
    app.call(ledger.schedule, { ...pay(reference, waiting.scheduledAt), ...change });
  for (const [reference, existingId, change, sameContent] of [
    ["once 1", posted.id, {}, false],
    ["once 2", held.id, {}, false],
    ["once 3", waiting.id, {}, true],
    ["once 3", waiting.id, { postings: [leg("world:bank", 11)] }, false],
    ["once 3", waiting.id, { scheduledAt: past }, false],
    ["once 3", waiting.id, { metadata: { other: "1" } }, false],
  ] as const) {
    await expect(again(reference, change)).rejects.toMatchObject({
      code: "ledger.duplicateReference",
      details: { existingId, sameContent },
    });
  }
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => again("once 4")));
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("they are listed page by page, all or of one status", async () => {
  const { app } = books;
  const ids: string[] = [];
  for (const n of [1, 2, 3]) ids.push((await app.call(ledger.schedule, pay(`listed ${n}`, later(hourMs)))).id);
  const listed = async (status?: ScheduledTransaction["status"]) => {
    const found: ScheduledTransaction[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await app.call(ledger.scheduledTransactions, { after, limit: 2, status });
      expect(page.scheduled.length).toBeLessThanOrEqual(2);
      found.push(...page.scheduled);
      after = page.next;
    }
    return found;
  };
  const all = await listed();
  expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted());
  expect(all.slice(-3).map(({ id }) => id)).toEqual(ids);
  for (const status of ["scheduled", "posted", "refused", "canceled"] as const) {
    const some = await listed(status);
    expect(some.length).toBeGreaterThan(0);
    expect(some).toEqual(all.filter((one) => one.status === status));
  }
});

test("each is posted once by two processes that have every job twice, or is canceled by one of those who try", async () => {
  const { app, run, url } = books;
  const store = createPostgresStore({ url });
  const clock = { now: books.now, monotonic: () => performance.now() };
  const second = createApp({ services: [ledgerService], store, deadlineMs: 20_000, clock });
  await second.start();
  try {
    const references = Array.from({ length: 60 }, (_, n) => `raced ${n}`);
    const waiting = await Promise.all(
      references.map((reference) => app.call(ledger.schedule, pay(reference, later(hourMs)))),
    );
    books.turn(hourMs);
    await run(`INSERT INTO banyan.job (id, type, tenant, input, trace_id, metadata, delay_ms, due_at)
      SELECT gen_random_uuid()::text, type, tenant, input, trace_id, metadata, 0, now() FROM banyan.job WHERE type = 'ledger.postScheduled'`);
    const [, ...cancels] = await Promise.allSettled([
      makeDue(),
      ...waiting.slice(0, 20).map(({ id }, n) => (n % 2 ? app : second).call(ledger.cancelScheduled, { id })),
    ]);
    await expect
      .poll(() => run("SELECT id FROM banyan.job WHERE type = 'ledger.postScheduled'"), { timeout: 20_000 })
      .toEqual([]);
    const ends = await Promise.all(waiting.map(read));
    for (const [n, { status, transactionId, reference }] of ends.entries()) {
      expect(status).toBe(cancels[n]?.status === "fulfilled" ? "canceled" : "posted");
      expect(await run(`SELECT id FROM ledger.transaction WHERE reference = '${reference}'`)).toEqual(
        transactionId === null ? [] : [{ id: transactionId }],
      );
    }
    const posted = ends.flatMap(({ transactionId }) => transactionId ?? []);
    expect(posted.length).toBeGreaterThanOrEqual(40);
    expect(
      await run(
        `SELECT count(*) FROM banyan.event WHERE type = 'ledger.posted' AND data::jsonb->>'reference' LIKE 'raced %'`,
      ),
    ).toEqual([{ count: posted.length }]);
    expect(await app.call(ledger.verify, {})).toMatchObject({ ok: true });
  } finally {
    await second.stop();
  }
});

test("a connection that dies as the posting commits leaves nothing of it, and the next run posts it", async () => {
  const { app, run } = books;
  await run("CREATE SEQUENCE public.deaths");
  await run(`CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('public.deaths') <= 3 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NULL;
  END $$`);
  await run(`CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON ledger.scheduled DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.die()`);
  const posted = await ended(await app.call(ledger.schedule, pay("survivor", past)));
  expect(await run("SELECT last_value FROM public.deaths")).toEqual([{ last_value: 4 }]);
  expect(posted).toMatchObject({ status: "posted", fault: null });
  expect(await run("SELECT id FROM ledger.transaction WHERE reference = 'survivor'")).toEqual([
    { id: posted.transactionId },
  ]);
  expect(await app.call(ledger.verify, {})).toMatchObject({ ok: true });
  expect(await app.call(ledger.trialBalance, {})).toMatchObject({ currencies: [{ differenceMinor: 0 }] });
});

test.each<[string, object]>([
  ["no time", { scheduledAt: undefined }],
  ["a time without an offset", { scheduledAt: "2026-11-22T21:00:00" }],
  ["a day without a time", { scheduledAt: "2026-11-22" }],
  ["a year beyond what is kept", { scheduledAt: "2200-01-01T00:00:00Z" }],
  ["no reference", { reference: "" }],
  ["no postings", { postings: [] }],
  ["nothing to move", { postings: [leg("world:bank", 0)] }],
  ["less than nothing", { postings: [leg("world:bank", -1)] }],
  ["more than a number holds", { postings: [leg("world:bank", 2 ** 53)] }],
  ["an address that is none", { postings: [leg("world bank", 1)] }],
  ["a time of effect, which is that of posting", { effectiveAt: past }],
  ["metadata that is no text", { metadata: { n: 1 } }],
])("%s is refused when it is sent", async (_, change) => {
  const input = { ...pay("unsound", past), ...change };
  const refused = books.app.call(ledger.schedule, input);
  await expect(refused).rejects.toMatchObject({ kind: "invalid" });
  expect(await books.run("SELECT FROM ledger.scheduled WHERE reference IN ('unsound', '')")).toEqual([]);
});
