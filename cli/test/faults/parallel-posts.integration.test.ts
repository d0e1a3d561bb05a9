import { afterAll, beforeAll, expect, test } from "vitest";
import { connectJudge } from "./ledger-check.ts";
import { type Answer, openAccounts, post } from "./load.ts";
import { createPlatform, type Platform } from "./platform.ts";

const path = "/v1/ledger/transactions";
let platform: Platform;
beforeAll(async () => {
  platform = await createPlatform(new URL("../../../banyan.config.ts", import.meta.url));
  await platform.start();
  await openAccounts(platform, ["world:parallel"]);
}, 180_000);
afterAll(() => platform.remove(), 180_000);

const transfer = (reference: string, amountMinor: number, [source, destination]: readonly [string, string]) => ({
  reference,
  postings: [{ source, destination, amountMinor, currency: "EUR" }],
});

const atOnce = (count: number, make: (n: number) => Promise<Answer | undefined>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

const rows = async (text: string) => {
  const client = await connectJudge(await platform.databaseUrl());
  return (await client.query(text).finally(() => client.end())).rows;
};

test("50 parallel captures with one Idempotency-Key: one transaction, identical bodies, another body is a conflict", async () => {
  await openAccounts(platform, ["merchants:parallel"]);
  const capture = {
    idempotencyKey: "capture-1",
    body: transfer("capture-1", 10_00, ["world:parallel", "merchants:parallel"]),
  };
  const answers = await atOnce(50, () => post(platform, path, capture));
  expect(new Set(answers.map((answer) => `${answer?.status} ${answer?.body}`)).size).toBe(1);
  expect(answers[0]?.status).toBe(201);

  expect((await post(platform, path, capture))?.headers.get("idempotency-replayed")).toBe("true");
  const other = await atOnce(10, () =>
    post(platform, path, { ...capture, body: transfer("capture-1", 10_01, ["world:parallel", "merchants:parallel"]) }),
  );
  for (const answer of other) {
    expect([409, 422]).toContain(answer?.status);
    expect(JSON.parse(answer?.body ?? "").code).toBe("kernel.idempotencyConflict");
  }
  expect(await rows("SELECT count(*)::int FROM ledger.transaction WHERE reference = 'capture-1'")).toEqual([
    { count: 1 },
  ]);
  expect(await rows("SELECT credits_minor::int FROM ledger.account WHERE address = 'merchants:parallel'")).toEqual([
    { credits_minor: 10_00 },
  ]);
  expect(
    await rows("SELECT count(*)::int FROM banyan.event WHERE type = 'ledger.posted' AND data LIKE '%\"capture-1\"%'"),
  ).toEqual([{ count: 1 }]);
}, 60_000);

test("50 parallel refusals with one Idempotency-Key are one refusal", async () => {
  await openAccounts(platform, ["wallets:empty"], 0);
  const debit = { idempotencyKey: "refused-1", body: transfer("refused-1", 1, ["wallets:empty", "world:parallel"]) };
  const answers = await atOnce(50, () => post(platform, path, debit));
  const told = answers.map((answer) => {
    const { traceId, ...rest } = JSON.parse(answer?.body ?? "{}");
    return `${answer?.status} ${JSON.stringify(rest)}`;
  });
  expect(new Set(told).size).toBe(1);
  expect(told[0]).toContain("ledger.insufficientFunds");
}, 60_000);

test("a wallet of 100.00 and 100 parallel debits of 2.00: exactly 50 succeed", async () => {
  await openAccounts(platform, ["wallets:anna"], 0);
  await openAccounts(platform, ["shops:bert"]);
  expect(
    (await post(platform, path, { body: transfer("top-up", 100_00, ["world:parallel", "wallets:anna"]) }))?.status,
  ).toBe(201);
  const answers = await atOnce(100, (n) =>
    post(platform, path, {
      idempotencyKey: `debit-${n}`,
      body: transfer(`debit-${n}`, 2_00, ["wallets:anna", "shops:bert"]),
    }),
  );
  const statuses = Map.groupBy(answers, (answer) => answer?.status);
  expect([...statuses].map(([status, all]) => [status, all.length]).sort()).toEqual([
    [201, 50],
    [409, 50],
  ]);
  for (const answer of statuses.get(409) ?? [])
    expect(JSON.parse(answer?.body ?? "").code).toBe("ledger.insufficientFunds");
  expect(
    await rows(
      "SELECT address, (credits_minor - debits_minor)::int AS balance FROM ledger.account WHERE address IN ('wallets:anna', 'shops:bert') ORDER BY 1",
    ),
  ).toEqual([
    { address: "shops:bert", balance: 100_00 },
    { address: "wallets:anna", balance: 0 },
  ]);
  expect(
    await rows("SELECT 1 FROM ledger.account GROUP BY currency HAVING sum(debits_minor - credits_minor) <> 0"),
  ).toEqual([]);
  expect((await platform.run("verify")).code).toBe(0);
}, 60_000);
