import type { Identity } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { statementsService } from "@banyan/neopay-statements";
import { statements } from "@banyan/neopay-statements/contract";
import { createPostgresStore } from "@banyan/sql-postgres";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { reconciliation } from "../src/contract.ts";
import { reconciliationService } from "../src/index.ts";

const DAY_MS = 86_400_000;
let database: TestDatabase;
let app: App;
let identity: Identity;
let turnedMs = 0;
let tenantCount = 0;
let eventsToldCount = 0;

beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  app = createApp({
    services: [reconciliationService, ledgerService, statementsService],
    store: createPostgresStore({ url: database.url }),
    deadlineMs: 20_000,
    clock: { now: () => Date.now() + turnedMs, monotonic: () => performance.now() },
  });
  app.inspect((record) => {
    if (record.kind === "event" && record.id.startsWith("reconciliation.")) eventsToldCount += 1;
  });
  await app.start();
});
afterAll(async () => {
  await app?.stop();
  await database?.drop();
});
// Every test has a tenant of its own, so that none sees the accounts of another.
beforeEach(async () => {
  tenantCount += 1;
  eventsToldCount = 0;
  identity = { subject: "test", tenant: `t${tenantCount}`, permissions: new Set(["*"]) };
  for (const address of ["bank:A1", "bank:A2", "world:bank"]) {
    await app.call(ledger.openAccount, { address, currency: "EUR", floorMinor: null }, { identity });
  }
});

type Movement = { amountMinor: number; day: string; reference?: string; account?: string };

/** Bank and ledger, each told by what moves the account: negative is money out. */
async function bankSays(movements: Movement[], { statement = "S1", opening = 0, off = 0 } = {}): Promise<void> {
  let balance = opening;
  const rows = movements.map(({ amountMinor, day, reference = "", account = "A1" }) => {
    balance += amountMinor;
    return [account, "EUR", statement, day, decimal(amountMinor), decimal(balance), reference].join(";");
  });
  const last = rows.pop()?.split(";") ?? [];
  rows.push([...last.slice(0, 5), decimal(balance + off), last[6]].join(";"));
  const content = `account;currency;statement;bookedOn;amount;balance;endToEndId\n${rows.join("\n")}\n`;
  await app.call(statements.import, { content, decimal: "." }, { identity });
  await app.settled();
}

async function ledgerSays(...movements: Movement[]): Promise<void> {
  for (const { amountMinor, day, reference = "none", account = "A1" } of movements) {
    const mirror = `bank:${account}`;
    const [source, destination] = amountMinor < 0 ? [mirror, "world:bank"] : ["world:bank", mirror];
    const postings = [{ source, destination, amountMinor: Math.abs(amountMinor), currency: "EUR" }];
    const metadata = { endToEndId: reference };
    const effectiveAt = `${day}T12:00:00Z`;
    await app.call(ledger.post, { reference: crypto.randomUUID(), postings, effectiveAt, metadata }, { identity });
  }
  await app.settled();
}

const decimal = (minor: number): string => (minor / 100).toFixed(2);
const run = (input: Parameters<typeof reconcile>[0] = {}) => reconcile(input);
const reconcile = (input: {
  account?: string;
  from?: string;
  to?: string;
  dateWindowDays?: number;
  rules?: ("reference" | "amount")[];
}) => app.call(reconciliation.run, input, { identity });
const breaksOf = async (id: string) => (await app.call(reconciliation.breaks, { id }, { identity })).breaks;

describe("a run", () => {
  test("matches by reference first, then by amount and day, and the books agree", async () => {
    await ledgerSays(
      { amountMinor: 500, day: "2026-01-05", reference: "E1" },
      { amountMinor: -200, day: "2026-01-07" },
    );
    await bankSays([
      { amountMinor: 500, day: "2026-01-06", reference: "E1" },
      { amountMinor: -200, day: "2026-01-09" },
    ]);
    const done = await run({ account: "A1" });
    expect(done).toMatchObject({
      number: 1,
      account: "A1",
      matchedCount: 2,
      openedCount: 0,
      openCount: 0,
      accountCount: 1,
    });
    expect(await breaksOf(done.id)).toEqual([]);
    expect((await app.call(reconciliation.matches, { id: done.id }, { identity })).matches).toMatchObject([
      { rule: "reference", amountMinor: 500, bankDay: "2026-01-06", ledgerDay: "2026-01-05" },
      { rule: "amount", amountMinor: 200, bankDay: "2026-01-09", ledgerDay: "2026-01-07" },
    ]);
    expect(await app.call(reconciliation.findRun, { id: done.id }, { identity })).toEqual(done);
  });

  test("tells each kind of break with its side, size and day", async () => {
    await ledgerSays({ amountMinor: 900, day: "2026-01-05", reference: "E1" }, { amountMinor: -70, day: "2026-01-20" });
    await bankSays(
      [
        { amountMinor: 905, day: "2026-01-05", reference: "E1" },
        { amountMinor: 300, day: "2026-01-06" },
      ],
      { off: 1 },
    );
    const done = await run();
    expect(done).toMatchObject({ matchedCount: 0, openedCount: 5, openCount: 5 });
    const byKind = new Map((await breaksOf(done.id)).map((found) => [found.kind, found]));
    expect(byKind.get("amountDiffers")).toMatchObject({
      bankMinor: 905,
      ledgerMinor: 900,
      differenceMinor: 5,
      references: ["E1"],
    });
    expect(byKind.get("missingInLedger")).toMatchObject({
      bankMinor: 300,
      ledgerMinor: null,
      differenceMinor: 300,
      day: "2026-01-06",
    });
    expect(byKind.get("missingAtBank")).toMatchObject({
      bankMinor: null,
      ledgerMinor: -70,
      differenceMinor: 70,
      day: "2026-01-20",
    });
    expect(byKind.get("statementDoesNotTie")).toMatchObject({ differenceMinor: 1, day: "2026-01-06" });
    expect(byKind.get("balanceDrift")).toMatchObject({ bankMinor: 1206, ledgerMinor: 900, differenceMinor: 306 });
    expect(eventsToldCount).toBe(5);
  });

  test("never uses an item twice: what one run matched, the next does not see", async () => {
    await ledgerSays({ amountMinor: 500, day: "2026-01-05" });
    await bankSays([{ amountMinor: 500, day: "2026-01-05" }]);
    expect(await run()).toMatchObject({ matchedCount: 1 });
    await bankSays([{ amountMinor: 500, day: "2026-01-05" }], { statement: "S2", opening: 500 });
    expect(await run()).toMatchObject({ number: 2, matchedCount: 0, openedCount: 2 });
  });

  test("resolves a break that is explained since, and says so once", async () => {
    await bankSays([{ amountMinor: 500, day: "2026-01-05" }]);
    const before = await run();
    expect((await breaksOf(before.id)).map(({ kind }) => kind).toSorted()).toEqual(["balanceDrift", "missingInLedger"]);
    await ledgerSays({ amountMinor: 500, day: "2026-01-05" });
    eventsToldCount = 0;
    const after = await run();
    expect(after).toMatchObject({ matchedCount: 1, openedCount: 0, resolvedCount: 2, openCount: 0 });
    expect(eventsToldCount).toBe(2);
    expect(await breaksOf(after.id)).toEqual([]);
    expect((await breaksOf(before.id)).map(({ status }) => status)).toEqual(["resolved", "resolved"]);
    expect(await run()).toMatchObject({ resolvedCount: 0, openedCount: 0 });
  });

  test("takes a replaced statement back: what it was matched with is matched with what replaces it", async () => {
    await ledgerSays({ amountMinor: 500, day: "2026-01-05" }, { amountMinor: 8, day: "2026-01-05" });
    await bankSays([{ amountMinor: 500, day: "2026-01-05" }]);
    expect(await run()).toMatchObject({ matchedCount: 1, openedCount: 2 });
    await bankSays([
      { amountMinor: 500, day: "2026-01-05" },
      { amountMinor: 8, day: "2026-01-05" },
    ]);
    expect(await run()).toMatchObject({ matchedCount: 2, openedCount: 0, resolvedCount: 2, openCount: 0 });
    await app.rebuild("reconciliation.items");
    expect(await run()).toMatchObject({ matchedCount: 0, openedCount: 0, openCount: 0 });
  });

  test("looks at a span of days and leaves the rest as it is", async () => {
    await bankSays([
      { amountMinor: 1, day: "2026-01-05" },
      { amountMinor: 2, day: "2026-01-25" },
    ]);
    expect(await run({ to: "2026-01-10" })).toMatchObject({ openedCount: 1, from: null, to: "2026-01-10" });
    expect(await run({ from: "2026-01-10" })).toMatchObject({ openedCount: 2, resolvedCount: 0 });
    expect(await run()).toMatchObject({ openedCount: 0, openCount: 3 });
  });

  test("takes the rules and the window that it is given", async () => {
    await ledgerSays({ amountMinor: 500, day: "2026-01-05", reference: "E9" });
    await bankSays([{ amountMinor: 500, day: "2026-01-06", reference: "E9" }]);
    expect(await run({ rules: ["reference"] })).toMatchObject({ matchedCount: 1 });
    await ledgerSays({ amountMinor: 501, day: "2026-01-05", reference: "X" });
    await bankSays([{ amountMinor: 501, day: "2026-01-06" }], { statement: "S2", opening: 500 });
    expect(await run({ rules: ["reference"] })).toMatchObject({ matchedCount: 0 });
    expect(await run({ dateWindowDays: 0 })).toMatchObject({ matchedCount: 0 });
    expect(await run({ dateWindowDays: 1 })).toMatchObject({ matchedCount: 1 });
  });

  test("reconciles every account, or the one that is named; one that nothing is known of is a fault", async () => {
    await bankSays([{ amountMinor: 1, day: "2026-01-05", account: "A1" }]);
    await bankSays([{ amountMinor: 1, day: "2026-01-05", account: "A2" }]);
    expect(await run({ account: "A2" })).toMatchObject({ accountCount: 1, openedCount: 2 });
    expect(await run()).toMatchObject({ accountCount: 2, openedCount: 2, openCount: 4 });
    await expect(run({ account: "A3" })).rejects.toMatchObject({ code: "reconciliation.unknownAccount" });
  });

  test("20 runs at once match once and are numbered without a gap", async () => {
    await ledgerSays({ amountMinor: 500, day: "2026-01-05" });
    await bankSays([
      { amountMinor: 500, day: "2026-01-05" },
      { amountMinor: 7, day: "2026-01-06" },
    ]);
    const runs = await Promise.all(Array.from({ length: 20 }, () => run()));
    expect(runs.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    expect(runs.reduce((sum, { matchedCount }) => sum + matchedCount, 0)).toBe(1);
    expect(runs.reduce((sum, { openedCount }) => sum + openedCount, 0)).toBe(2);
  });

  test("a transfer between two mirrored accounts is looked for at both banks; a reverted one is a movement like any other", async () => {
    const postings = [{ source: "bank:A1", destination: "bank:A2", amountMinor: 40, currency: "EUR" }];
    const posted = await app.call(
      ledger.post,
      { reference: "T", postings, effectiveAt: "2026-01-05T00:00:00Z" },
      { identity },
    );
    await app.call(ledger.revert, { id: posted.id }, { identity });
    await app.settled();
    const done = await run();
    expect((await breaksOf(done.id)).map(({ account, ledgerMinor }) => [account, ledgerMinor]).toSorted()).toEqual([
      ["A1", -40],
      ["A1", 40],
      ["A2", -40],
      ["A2", 40],
    ]);
  });

  test("a notification (camt.054) announces what a statement will say, so it is not looked for twice", async () => {
    const content = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id>
<Acct><Id><Othr><Id>A1</Id></Othr></Id><Ccy>EUR</Ccy></Acct><Ntry><Amt Ccy="EUR">5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`;
    await app.call(statements.import, { content }, { identity });
    await app.settled();
    expect(await run()).toMatchObject({ accountCount: 0, openCount: 0 });
  });
});

describe("breaks age", () => {
  test("by the clock, in whole days, until they are resolved", async () => {
    await bankSays([{ amountMinor: 500, day: "2026-01-05" }]);
    const done = await run();
    const ages = async () => (await breaksOf(done.id)).map(({ ageDays }) => ageDays);
    expect(await ages()).toEqual([0, 0]);
    turnedMs += 3 * DAY_MS - 60_000;
    expect(await ages()).toEqual([2, 2]);
    turnedMs += 120_000;
    expect(await ages()).toEqual([3, 3]);
    await ledgerSays({ amountMinor: 500, day: "2026-01-05" });
    await run();
    turnedMs += 10 * DAY_MS;
    expect(await ages()).toEqual([3, 3]);
  });

  test("and the queue has the oldest first, by account, kind and age, page by page", async () => {
    await bankSays([{ amountMinor: 1, day: "2026-01-05" }]);
    await run();
    turnedMs += 5 * DAY_MS;
    await bankSays([{ amountMinor: 2, day: "2026-01-06", account: "A2" }], { statement: "S2" });
    await run();
    const queue = async (filter: object) => (await app.call(reconciliation.queue, filter, { identity })).breaks;
    expect((await queue({})).map(({ account, ageDays }) => [account, ageDays])).toEqual([
      ["A1", 5],
      ["A1", 5],
      ["A2", 0],
      ["A2", 0],
    ]);
    expect(await queue({ account: "A2", kind: "balanceDrift" })).toMatchObject([{ bankMinor: 2 }]);
    expect(await queue({ ageDaysMin: 5 })).toHaveLength(2);
    expect(await queue({ ageDaysMin: 6 })).toHaveLength(0);
    const first = await app.call(reconciliation.queue, { limit: 3 }, { identity });
    const rest = await app.call(reconciliation.queue, { limit: 3, after: first.next ?? 0 }, { identity });
    expect([first.breaks.length, rest.breaks.length, rest.next]).toEqual([3, 1, null]);
  });
});

test("items rebuilt from the log are the live ones, and what was matched stays matched", async () => {
  await ledgerSays({ amountMinor: 500, day: "2026-01-05", reference: "E1" }, { amountMinor: 9, day: "2026-01-06" });
  await bankSays([
    { amountMinor: 500, day: "2026-01-05", reference: "E1" },
    { amountMinor: -3, day: "2026-01-07" },
  ]);
  expect(await run()).toMatchObject({ matchedCount: 1, openCount: 3 });
  const stored = async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      const { rows: items } = await client.query("SELECT * FROM reconciliation.item ORDER BY tenant, side, id");
      const { rows: taken } = await client.query("SELECT * FROM reconciliation.statement ORDER BY id");
      return { items, taken };
    } finally {
      await client.end();
    }
  };
  const live = await stored();
  const { foldedCount } = await app.rebuild("reconciliation.items");
  expect(foldedCount).toBeGreaterThan(2);
  expect(live.items.length).toBeGreaterThan(3);
  expect(await stored()).toEqual(live);
  expect(await run()).toMatchObject({ matchedCount: 0, openedCount: 0, openCount: 3 });
});

test("a run waits for what is still on its way, so that it breaks over nothing", async () => {
  const postings = [{ source: "world:bank", destination: "bank:A1", amountMinor: 500, currency: "EUR" }];
  const content = "account;currency;bookedOn;amount\nA1;EUR;2026-01-05;5,00\n";
  for (let round = 1; round <= 10; round += 1) {
    await Promise.all([
      app.call(ledger.post, { reference: `R${round}`, postings, effectiveAt: "2026-01-05T00:00:00Z" }, { identity }),
      app.call(
        statements.import,
        { content: content.replace("5,00", `5,00;S${round}`).replace("amount", "amount;statement") },
        { identity },
      ),
    ]);
    expect(await run({ account: "A1" })).toMatchObject({ matchedCount: 1, openCount: 0 });
  }
});

test("a statement of several pages of entries is taken whole", async () => {
  await bankSays(Array.from({ length: 2_500 }, (_, at) => ({ amountMinor: at + 1, day: "2026-01-05" })));
  expect(await run()).toMatchObject({ openedCount: 2_501 });
});
