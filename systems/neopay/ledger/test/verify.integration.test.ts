import { createHash } from "node:crypto";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import { type OpenLedger, openLedger } from "./open-ledger.ts";

let books: OpenLedger | undefined;
const posted: number[] = [];

/** Ten transactions between two accounts, sealed in at least two blocks, on books of the test's own. */
beforeEach(async () => {
  await books?.close();
  books = await openLedger(inject("postgresUrl"));
  const { app } = books;
  for (const address of ["a", "b"]) await app.call(ledger.openAccount, { address, currency: "CZK", floorMinor: null });
  posted.length = 0;
  await post(6);
  await sealAll();
  // Draws a number and is rolled back.
  const [good, bad] = ["b", "nobody"].map((destination) => ({
    reference: destination,
    postings: [{ source: "a", destination, amountMinor: 1, currency: "CZK" }],
  }));
  await app.call(ledger.postBulk, { transactions: [good, bad] as never, atomic: true });
  await post(4);
  await sealAll();
});
afterAll(() => books?.close());

const open = () => books as OpenLedger;

async function post(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const postings = [{ source: "a", destination: "b", amountMinor: 10 + n, currency: "CZK" }];
    const { seq } = await open().app.call(ledger.post, { reference: `t${posted.length}`, postings });
    posted.push(seq);
  }
}

async function sealAll(): Promise<void> {
  const last = posted.at(-1) as number;
  await expect
    .poll(
      async () => {
        await open().run("SELECT ledger.seal(now(), 1000000)");
        return (await verify()).sealedTo;
      },
      { timeout: 10_000, interval: 20 },
    )
    .toBeGreaterThanOrEqual(last);
}

const verify = () => open().app.call(ledger.verify, {});
const nth = (n: number) => posted[n] as number;

test("sound books verify, and their root changes with every seal", async () => {
  const before = await verify();
  expect(before).toMatchObject({ ok: true, checkedCount: 10, firstBrokenSeq: null, breaks: [] });
  expect(before.root).toMatch(/^[0-9a-f]{64}$/);
  await post(1);
  await sealAll();
  expect((await verify()).root).not.toBe(before.root);
});

test("the root is the chained hash of the leaves, computed elsewhere too", async () => {
  const seals = await open().run("SELECT leaves, root FROM ledger.seal ORDER BY number");
  expect(seals.length).toBeGreaterThanOrEqual(2);
  let root = Buffer.alloc(0);
  for (const { leaves } of seals) {
    root = createHash("sha256")
      .update(Buffer.concat([Buffer.of(1), root, ...(leaves as Buffer[])]))
      .digest();
  }
  expect((await verify()).root).toBe(root.toString("hex"));
});

describe("what somebody changes by SQL is named by its seq", () => {
  test.each([
    ["an amount", () => `UPDATE ledger.posting SET amount_minor = amount_minor + 1 WHERE seq = ${nth(3)}`],
    ["a reference", () => `UPDATE ledger.transaction SET reference = 'x' WHERE seq = ${nth(3)}`],
    ["metadata", () => `UPDATE ledger.transaction SET metadata = '{"a": "b"}' WHERE seq = ${nth(3)}`],
    [
      "a date of effect",
      () => `UPDATE ledger.transaction SET effective_at = effective_at - interval '1 day' WHERE seq = ${nth(3)}`,
    ],
    [
      "a direction",
      () => `UPDATE ledger.posting SET source_id = destination_id, destination_id = source_id WHERE seq = ${nth(3)}`,
    ],
    ["a deleted posting", () => `DELETE FROM ledger.posting WHERE seq = ${nth(3)}`],
    ["a deleted transaction", () => `DELETE FROM ledger.transaction WHERE seq = ${nth(3)}`],
    [
      "two amounts that trade places",
      () =>
        `UPDATE ledger.posting SET amount_minor = ${10 + 3 + 10 + 4} - amount_minor WHERE seq IN (${nth(3)}, ${nth(4)})`,
    ],
    [
      "two rows that trade numbers",
      () =>
        `UPDATE ledger.posting SET seq = ${nth(3)} + ${nth(4)} - seq, leg = leg + seq WHERE seq IN (${nth(3)}, ${nth(4)})`,
    ],
  ])("%s", async (_, sql) => {
    await open().run(sql());
    expect(await verify()).toMatchObject({ ok: false, firstBrokenSeq: nth(3) });
  });

  test("a row that was slipped in where a number was left out", async () => {
    const gap = nth(6) - 1;
    expect(gap).toBeGreaterThan(nth(5));
    await open().run(
      `INSERT INTO ledger.transaction SELECT ${gap}, tenant, gen_random_uuid(), 'x', effective_at, recorded_at, NULL, '{}'
       FROM ledger.transaction WHERE seq = ${nth(0)}`,
    );
    const { firstBrokenSeq, breaks } = await verify();
    expect(firstBrokenSeq).toBe(gap);
    expect(breaks).toContainEqual({ seq: gap, account: null, rule: "inserted after sealing" });
  });

  test("a seal that was made to fit the edit", async () => {
    await open().run(`UPDATE ledger.transaction SET reference = 'x' WHERE seq = ${nth(3)}`);
    await open().run(
      `UPDATE ledger.seal SET leaves[array_position(seqs, ${nth(3)})] = (SELECT leaf FROM ledger.leaves(${nth(3)} - 1, ${nth(3)}))
       WHERE ${nth(3)} = ANY (seqs)`,
    );
    const { ok, breaks } = await verify();
    expect(ok).toBe(false);
    expect(breaks.map(({ rule }) => rule)).toContainEqual(
      expect.stringMatching(/^seal \d does not follow from its leaves and the seal before$/),
    );
  });

  test("an amount before it is sealed", async () => {
    const { app, run } = open();
    await post(1);
    // One statement later than the posting: whether the job has sealed meanwhile does not matter.
    await run(`UPDATE ledger.posting SET amount_minor = 1 WHERE seq = ${posted.at(-1)}`);
    expect(await app.call(ledger.verify, {})).toMatchObject({ ok: false, firstBrokenSeq: posted.at(-1) });
  });
});

test("a balance that was changed by SQL is named by its account", async () => {
  await open().run("UPDATE ledger.account SET credits_minor = credits_minor + 1 WHERE address = 'b'");
  expect(await verify()).toMatchObject({
    ok: false,
    firstBrokenSeq: null,
    breaks: [{ seq: null, account: "b", rule: "account is not the sum of its postings and holds" }],
  });
});

test("a posting in another currency than its account's is named", async () => {
  await open().run("UPDATE ledger.account SET currency = 'EUR' WHERE address = 'b'");
  expect(await verify()).toMatchObject({ ok: false, firstBrokenSeq: nth(0) });
});

test("accounts that trade addresses are noticed", async () => {
  const { run } = open();
  await run("UPDATE ledger.account SET address = address || '2'");
  await run("UPDATE ledger.account SET address = CASE address WHEN 'a2' THEN 'b' ELSE 'a' END");
  expect(await verify()).toMatchObject({ ok: false, firstBrokenSeq: nth(0) });
});

test("a number drawn before and committed after is sealed all the same", async () => {
  const { app, run } = open();
  const at = new Date().toISOString();
  // Holds its seq open for a moment, as a posting does whose commit is slow.
  const slow = run(`DO $$
  DECLARE
    a ledger.account; b ledger.account; number bigint;
  BEGIN
    SELECT * INTO a FROM ledger.lock_accounts('default', ARRAY['a']);
    SELECT * INTO b FROM ledger.lock_accounts('default', ARRAY['b']);
    number := (ledger.draw(1))[1];
    PERFORM ledger.record('default', '${at}', ARRAY[number], ARRAY[gen_random_uuid()], ARRAY['slow'], NULL, NULL, NULL,
      ARRAY[number], ARRAY[1], ARRAY[a.id], ARRAY[b.id], ARRAY[5]::bigint[], ARRAY['CZK'], NULL,
      ARRAY[a.entry_count + 1], ARRAY[a.credits_minor - a.debits_minor - 5], ARRAY[b.entry_count + 1], ARRAY[b.credits_minor - b.debits_minor + 5],
      ARRAY[a.id, b.id], ARRAY[a.entry_count + 1, b.entry_count + 1], ARRAY[a.debits_minor + 5, b.debits_minor], ARRAY[a.credits_minor, b.credits_minor + 5]);
    PERFORM pg_sleep(0.5);
  END $$`);
  await app.call(ledger.openAccount, { address: "c", currency: "CZK", floorMinor: null });
  await app.call(ledger.openAccount, { address: "d", currency: "CZK" });
  const quick = [];
  for (let n = 0; n < 5; n++) {
    const postings = [{ source: "c", destination: "d", amountMinor: 1, currency: "CZK" }];
    quick.push((await app.call(ledger.post, { reference: `quick ${n}`, postings })).seq);
    await run("SELECT ledger.seal(now(), 1000000)");
  }
  await slow;
  const { seq } = await app.call(ledger.transactionByReference, { reference: "slow" });
  posted.push(Math.max(seq, ...quick));
  await sealAll();
  expect(await verify()).toMatchObject({ ok: true, checkedCount: 16 });
});

test("sealing waits for a rush to end, at most until its first posting is half a minute old", async () => {
  const { app, run, now } = open();
  // A run that began before the rush could be seen would seal it all.
  await app.pauseJobs("ledger.seal");
  await app.settled();
  const transactions = Array.from({ length: 3_100 }, (_, n) => ({
    reference: `rush ${n}`,
    postings: [{ source: "a", destination: "b", amountMinor: 1, currency: "CZK" }],
  }));
  await app.call(ledger.postBulk, { transactions });
  const sealedAfter = async (ms: number) => {
    const [row] = await run(`SELECT ledger.seal('${new Date(now() + ms).toISOString()}', 1000) AS covered`);
    return row?.covered;
  };
  const moveNewest = (seconds: number) =>
    run(`UPDATE ledger.transaction SET recorded_at = recorded_at + interval '${seconds} seconds'
      WHERE seq = (SELECT max(seq) FROM ledger.transaction)`);
  expect(await sealedAfter(0)).toBe(0);
  expect(await sealedAfter(4_000)).toBe(1_000);
  await moveNewest(40);
  expect(await sealedAfter(20_000)).toBe(0);
  expect(await sealedAfter(40_000)).toBe(1_000);
});
