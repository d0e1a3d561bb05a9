import { isFault } from "@banyan/kernel";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import { type OpenLedger, openLedger, ownerOf } from "./open-ledger.ts";

let books: OpenLedger;
beforeAll(async () => {
  books = await openLedger(inject("postgresUrl"));
});
afterAll(() => books.close());

const leg = (source: string, destination: string, amountMinor: number) => ({
  source,
  destination,
  amountMinor,
  currency: "CZK",
});

/** A tenant of its own with a bank that may be overdrawn and empty wallets. */
async function tenantWith(name: string, wallets: readonly string[], floorMinor: number | null = 0) {
  const identity = ownerOf(name);
  const call: OpenLedger["app"]["call"] = (action, input, options) =>
    books.app.call(action, input, { identity, ...options });
  await call(ledger.openAccount, { address: "world:bank", currency: "CZK", floorMinor: null });
  for (const address of wallets) await call(ledger.openAccount, { address, currency: "CZK", floorMinor });
  const holds = async () => {
    expect(await call(ledger.verify, {})).toMatchObject({ ok: true, breaks: [] });
    const { currencies } = await call(ledger.trialBalance, {});
    expect(currencies.map(({ differenceMinor }) => differenceMinor)).toEqual([0]);
  };
  return { call, holds };
}

async function outcomes(answers: readonly Promise<unknown>[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const answer of await Promise.allSettled(answers)) {
    const outcome =
      answer.status === "fulfilled" ? "ok" : isFault(answer.reason) ? answer.reason.code : String(answer.reason);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return counts;
}

describe("posting in parallel", () => {
  test("50 calls with one Idempotency-Key are one transaction with identical answers; a changed body is a conflict", async () => {
    const { call, holds } = await tenantWith("once", ["a"]);
    const input = { reference: "capture", postings: [leg("world:bank", "a", 100)] };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => call(ledger.post, input, { idempotencyKey: "key-1" })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    const changed = { ...input, postings: [leg("world:bank", "a", 101)] };
    await expect(call(ledger.post, changed, { idempotencyKey: "key-1" })).rejects.toMatchObject({
      code: "kernel.idempotencyConflict",
    });
    expect(await call(ledger.account, { address: "a" })).toMatchObject({ balanceMinor: 100, entryCount: 1 });
    await holds();
  });

  test("of 100 debits of 2.00 from a wallet of 100.00 exactly 50 succeed", async () => {
    const { call, holds } = await tenantWith("wallet", ["wallet", "shop"]);
    await call(ledger.post, { reference: "deposit", postings: [leg("world:bank", "wallet", 100_00)] });
    const counts = await outcomes(
      Array.from({ length: 100 }, (_, n) =>
        call(ledger.post, { reference: `debit ${n}`, postings: [leg("wallet", "shop", 2_00)] }),
      ),
    );
    expect(counts).toEqual(
      new Map([
        ["ok", 50],
        ["ledger.insufficientFunds", 50],
      ]),
    );
    expect(await call(ledger.account, { address: "wallet" })).toMatchObject({ balanceMinor: 0 });
    await holds();
  });

  test("of several with one reference one is posted, on the same accounts or on others", async () => {
    const wallets = ["a", "b", "c", "d", "e", "f"];
    const { call, holds } = await tenantWith("reference", wallets);
    const counts = await outcomes(
      wallets.flatMap((to) =>
        [1, 2, 3].map(() => call(ledger.post, { reference: "r", postings: [leg("world:bank", to, 1)] })),
      ),
    );
    expect(counts).toEqual(
      new Map([
        ["ok", 1],
        ["ledger.duplicateReference", 17],
      ]),
    );
    await holds();
  });

  test("of several reverts one is posted", async () => {
    const { call, holds } = await tenantWith("revert", ["a"]);
    const { id } = await call(ledger.post, { reference: "r", postings: [leg("world:bank", "a", 1)] });
    const counts = await outcomes([1, 2, 3, 4, 5, 6].map((n) => call(ledger.revert, { id, reference: `undo ${n}` })));
    expect(counts).toEqual(
      new Map([
        ["ok", 1],
        ["ledger.alreadyReverted", 5],
      ]),
    );
    await holds();
  });

  test("legs over the same accounts in any order do not deadlock, singly and in bulk", async () => {
    const wallets = ["a", "b", "c", "d", "e"];
    const { call, holds } = await tenantWith("legs", wallets, null);
    const legsFrom = (n: number) =>
      [0, 1, 2].map((k) =>
        leg(wallets[(n + k * n) % 5] as string, wallets[(n + k * n + 1 + (n % 4)) % 5] as string, 1 + n),
      );
    const singles = Array.from({ length: 150 }, (_, n) =>
      call(ledger.post, { reference: `single ${n}`, postings: legsFrom(n) }),
    );
    const bulks = Array.from({ length: 10 }, (_, n) =>
      call(ledger.postBulk, {
        atomic: n % 2 === 0,
        transactions: Array.from({ length: 20 }, (_, k) => ({
          reference: `bulk ${n} ${k}`,
          postings: legsFrom(n * 20 + k),
        })),
      }),
    );
    expect(await outcomes([...singles, ...bulks])).toEqual(new Map([["ok", 160]]));
    const deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    expect(await books.run(deadlocks)).toEqual([{ deadlocks: 0 }]);
    await holds();
  });
});

describe("a bulk call", () => {
  test("posts all that it can of more than are sent to the server at once, each in its place", async () => {
    const { call, holds } = await tenantWith("parts", ["a", "b"]);
    const round = ["posted", "posted", "refused", "duplicate"];
    const transactions = Array.from({ length: 1_300 }, (_, index) => {
      const step = index % round.length;
      return {
        reference: String(step === 3 ? index - 3 : index),
        postings: [step === 0 ? leg("world:bank", "a", 10) : leg("a", "b", step === 2 ? 50_000 : 1)],
      };
    });
    const { results } = await call(ledger.postBulk, { transactions });
    expect(results.map(({ status }) => status)).toEqual(transactions.map((_, index) => round[index % round.length]));
    expect(results.map(({ reference }) => reference)).toEqual(transactions.map(({ reference }) => reference));
    const seqs = results.flatMap(({ status, seq }) => (status === "posted" ? [seq] : []));
    expect(seqs).toEqual(seqs.toSorted((one, other) => Number(one) - Number(other)));
    expect(await call(ledger.account, { address: "b" })).toMatchObject({ balanceMinor: 325, entryCount: 325 });
    await holds();
  });

  test("is told by events of up to 100 transactions and 1,000 legs, together all of it in its order", async () => {
    const { call } = await tenantWith("shares", ["a"]);
    const transactions = Array.from({ length: 250 }, (_, index) => ({
      reference: String(index),
      postings: Array.from({ length: index < 200 ? 1 : 300 }, () => leg("world:bank", "a", 1)),
    }));
    // The second is refused, and told by nobody.
    await call(ledger.postBulk, {
      transactions: transactions.toSpliced(1, 0, { reference: "0", postings: [leg("world:bank", "a", 1)] }),
    });
    const told = await books.run(
      "SELECT data FROM banyan.event WHERE tenant = 'shares' AND type = 'ledger.bulkPosted' ORDER BY version",
    );
    const shares = told.map(
      ({ data }) => (JSON.parse(String(data)) as { transactions: { reference: string }[] }).transactions,
    );
    expect(shares.map(({ length }) => length)).toEqual([100, 100, ...Array.from({ length: 16 }, () => 3), 2]);
    expect(shares.flat().map(({ reference }) => reference)).toEqual(transactions.map(({ reference }) => reference));
  });

  test("is told by events that each fit into the megabyte of a log's message, however much its transactions carry", async () => {
    const longest = `a${":segment".repeat(9)}${"z".repeat(55)}`;
    const { call } = await tenantWith("long", [longest]);
    const carried = (texts: number) =>
      Object.fromEntries(Array.from({ length: texts }, (_, n) => [`${"名".repeat(60)}${n}`, "世".repeat(1_000)]));
    // A share as long as one can be, then ones that no other fits beside.
    const transactions = Array.from({ length: 104 }, (_, index) => ({
      reference: `${"参".repeat(190)}${index}`,
      postings: Array.from({ length: index < 100 ? 10 : 1 }, () => leg("world:bank", longest, 1)),
      metadata: index < 100 ? { text: "世".repeat(990) } : carried(50),
    }));
    await call(ledger.postBulk, { transactions });
    const told = await books.run(
      "SELECT octet_length(data) AS bytes FROM banyan.event WHERE tenant = 'long' AND type = 'ledger.bulkPosted' ORDER BY version",
    );
    expect(told).toHaveLength(5);
    expect(Math.max(...told.map(({ bytes }) => Number(bytes)))).toBeLessThan(1_000_000);
  });
});

describe("a transaction", () => {
  test("is told by one event and has one audit record, in bulk by the call's", async () => {
    const { call } = await tenantWith("audited", ["a"]);
    await call(ledger.post, { reference: "1", postings: [leg("world:bank", "a", 5)] });
    const refused = call(
      ledger.post,
      { reference: "2", postings: [leg("a", "world:bank", 6)] },
      { idempotencyKey: "k" },
    );
    await expect(refused).rejects.toMatchObject({
      code: "ledger.insufficientFunds",
      details: { account: "a", availableMinor: 5 },
    });
    const transactions = ["3", "4"].map((reference) => ({ reference, postings: [leg("world:bank", "a", 1)] }));
    await call(ledger.postBulk, { transactions });
    const told = await books.run(
      "SELECT type, data FROM banyan.event WHERE tenant = 'audited' AND type ~ 'osted' ORDER BY seq",
    );
    expect(told.map(({ type, data }) => ({ type, data: JSON.parse(String(data)) }))).toMatchObject([
      { type: "ledger.posted", data: { reference: "1" } },
      { type: "ledger.bulkPosted", data: { transactions: [{ reference: "3" }, { reference: "4" }] } },
    ]);
    expect(
      await books.run(
        "SELECT action, count(*) FROM banyan.command WHERE tenant = 'audited' AND action LIKE '%post%' GROUP BY action ORDER BY action",
      ),
    ).toEqual([
      { action: "ledger.post", count: 2 },
      { action: "ledger.postBulk", count: 1 },
    ]);
  });

  test("is found by id and by reference, by its own tenant alone", async () => {
    const { call } = await tenantWith("mine", ["a"]);
    const other = await tenantWith("theirs", ["a"]);
    const input = { reference: "INV/2026 7", postings: [leg("world:bank", "a", 5)], metadata: { note: "šek" } };
    const posted = await call(ledger.post, { ...input, effectiveAt: "2024-02-29T12:00:00.5+01:00" });
    expect(posted).toMatchObject({ ...input, effectiveAt: "2024-02-29T11:00:00.500Z", revertsId: null });
    expect(await call(ledger.transaction, { id: posted.id })).toEqual(posted);
    expect(await call(ledger.transactionByReference, { reference: "INV/2026 7" })).toEqual(posted);
    await expect(other.call(ledger.transaction, { id: posted.id })).rejects.toMatchObject({
      code: "ledger.transactionNotFound",
    });
    await other.call(ledger.post, input);
    expect(await other.call(ledger.account, { address: "a" })).toMatchObject({ balanceMinor: 5 });
  });
});

describe("bulk", () => {
  test("tells a repetition from a clash, and later items see earlier ones", async () => {
    const { call, holds } = await tenantWith("bulk", ["a", "b"]);
    const first = { reference: "1", postings: [leg("world:bank", "a", 10)] };
    await call(ledger.post, first);
    const answer = await call(ledger.postBulk, {
      transactions: [
        first,
        { ...first, metadata: { other: "text" } },
        { reference: "2", postings: [leg("a", "b", 11)] },
        { reference: "3", postings: [leg("world:bank", "a", 1)] },
        { reference: "2", postings: [leg("a", "b", 11)] },
        { reference: "2", postings: [leg("a", "b", 11)] },
        { reference: "4", postings: [leg("b", "nobody", 1)] },
      ],
    });
    expect(answer.results.map(({ status, sameContent, fault }) => [status, sameContent, fault?.code ?? null])).toEqual([
      ["duplicate", true, null],
      ["duplicate", false, null],
      ["refused", null, "ledger.insufficientFunds"],
      ["posted", null, null],
      ["posted", null, null],
      ["duplicate", true, null],
      ["refused", null, "ledger.accountNotFound"],
    ]);
    expect(answer).toMatchObject({
      receivedCount: 7,
      postedCount: 2,
      duplicateCount: 3,
      refusedCount: 2,
      notPostedCount: 0,
    });
    expect(await call(ledger.account, { address: "b" })).toMatchObject({ balanceMinor: 11 });
    await holds();
  });

  test("a dry run judges and posts nothing", async () => {
    const { call, holds } = await tenantWith("dry", ["a"]);
    const transactions = [
      { reference: "1", postings: [leg("world:bank", "a", 10)] },
      { reference: "2", postings: [leg("a", "world:bank", 7)] },
      { reference: "3", postings: [leg("a", "world:bank", 4)] },
    ];
    const { results } = await call(ledger.postBulk, { transactions, dryRun: true });
    expect(results.map(({ status }) => status)).toEqual(["notPosted", "notPosted", "refused"]);
    expect(await call(ledger.account, { address: "a" })).toMatchObject({ entryCount: 0 });
    expect(await call(ledger.postBulk, { transactions })).toMatchObject({ postedCount: 2, refusedCount: 1 });
    await holds();
  });

  test("atomic is all or nothing", async () => {
    const { call, holds } = await tenantWith("atomic", ["a"]);
    const good = { reference: "1", postings: [leg("world:bank", "a", 10)] };
    const bad = { reference: "2", postings: [leg("a", "world:bank", 11)] };
    const refused = await call(ledger.postBulk, { transactions: [good, bad, good], atomic: true });
    expect(refused.results.map(({ status }) => status)).toEqual(["notPosted", "refused", "duplicate"]);
    expect(await call(ledger.account, { address: "a" })).toMatchObject({ balanceMinor: 0, entryCount: 0 });
    const posted = await call(ledger.postBulk, { transactions: [good], atomic: true });
    expect(posted).toMatchObject({ postedCount: 1 });
    await holds();
  });
});

test("a cached balance does not outlive the commit that changes it", async () => {
  const { call } = await tenantWith("cached", ["a"]);
  const now = async () => {
    const { balanceMinor } = await call(ledger.balance, { address: "a" });
    const account = await call(ledger.account, { address: "a" });
    expect(account.balanceMinor).toBe(balanceMinor);
    return [balanceMinor, account.availableMinor, account.status];
  };
  expect(await now()).toEqual([0, 0, "open"]);
  const { id } = await call(ledger.post, { reference: "1", postings: [leg("world:bank", "a", 10)] });
  expect(await now()).toEqual([10, 10, "open"]);
  await call(ledger.postBulk, { transactions: [{ reference: "2", postings: [leg("world:bank", "a", 5)] }] });
  expect(await now()).toEqual([15, 15, "open"]);
  const hold = { source: "a", destination: "world:bank", currency: "CZK", amountMinor: 4 };
  const first = await call(ledger.placeHold, { ...hold, reference: "3" });
  expect(await now()).toEqual([15, 11, "open"]);
  await call(ledger.voidHold, { id: first.id });
  expect(await now()).toEqual([15, 15, "open"]);
  const second = await call(ledger.placeHold, { ...hold, reference: "4" });
  await call(ledger.commitHold, { id: second.id, amountMinor: 3 });
  expect(await now()).toEqual([12, 12, "open"]);
  await call(ledger.revert, { id });
  expect(await now()).toEqual([2, 2, "open"]);
  await call(ledger.post, { reference: "5", postings: [leg("a", "world:bank", 2)] });
  await call(ledger.closeAccount, { address: "a" });
  expect(await now()).toEqual([0, 0, "closed"]);
});

test("the database itself refuses what breaks an invariant", async () => {
  const { call } = await tenantWith("constraints", ["a", "b"]);
  const { seq } = await call(ledger.post, { reference: "1", postings: [leg("world:bank", "a", 10)] });
  const id = (address: string) =>
    `(SELECT id FROM ledger.account WHERE tenant = 'constraints' AND address = '${address}')`;
  const posting = (source: string, destination: string, amount: number) =>
    `INSERT INTO ledger.posting SELECT ${seq}, 9, 'constraints', ${id(source)}, ${id(destination)}, ${amount}, 'CZK', effective_at, 9, 0, 9, 0
     FROM ledger.transaction WHERE seq = ${seq}`;
  const violations: [string, string][] = [
    ["posting_two_accounts", posting("a", "a", 1)],
    ["posting_amount_minor_check", posting("a", "b", 0)],
    ["posting_source_entry", posting("world:bank", "b", 1).replace(", 9, 0, 9, 0", ", 1, 0, 9, 0")],
    ["account_floor", "UPDATE ledger.account SET debits_minor = 11 WHERE tenant = 'constraints' AND address = 'a'"],
    [
      "account_debits_bound",
      "UPDATE ledger.account SET debits_minor = 9007199254740992 WHERE tenant = 'constraints' AND address = 'world:bank'",
    ],
    [
      "account_closed_empty",
      "UPDATE ledger.account SET status = 'closed' WHERE tenant = 'constraints' AND address = 'a'",
    ],
    [
      "transaction_reference_tenant_key",
      `INSERT INTO ledger.transaction SELECT seq + 1000000, tenant, gen_random_uuid(), reference, now(), now(), NULL, '{}' FROM ledger.transaction WHERE seq = ${seq}`,
    ],
  ];
  for (const [constraint, sql] of violations) await expect(books.run(sql)).rejects.toMatchObject({ constraint });
});
