import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { type AcquirerClient, createAcquirerClient } from "../src/client.ts";
import { Token, Totals } from "../src/contract.ts";
import { type AcquirerOptions, type Behaviour, spawnAcquirer, testCards } from "../src/index.ts";

const eur = { amountMinor: 10_00, currency: "EUR", merchant: "acme" };
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function open(options: AcquirerOptions = {}, timeoutMs = 400) {
  const acquirer = await spawnAcquirer({ lateMs: 1_000, ...options });
  const client: AcquirerClient = createAcquirerClient({ url: acquirer.url, timeoutMs });
  ends.push(acquirer.close, () => client.close());
  const post = async (path: string, body: unknown) =>
    await fetch(`${acquirer.url}${path}`, { method: "POST", body: JSON.stringify(body) });
  return {
    ...client,
    url: acquirer.url,
    token: async (behaviour: Behaviour) =>
      Token.parse(await (await post("/v1/tokens", { number: testCards[behaviour] })).json()).token,
    totals: async () => Totals.parse(await (await fetch(`${acquirer.url}/v1/totals`)).json()).currencies,
  };
}

test("a card is authorised, captured in parts and refunded, never beyond what came before", async () => {
  const { operate, token, totals } = await open();
  const authorize = { kind: "authorize", token: await token("approves"), ...eur } as const;
  expect(await operate("a1", authorize)).toEqual({ key: "a1", kind: "authorize", status: "approved", reason: null });
  const capture = (key: string, amountMinor: number) =>
    operate(key, { kind: "capture", authorization: "a1", amountMinor });
  expect((await capture("c1", 6_00)).reason).toBeNull();
  expect((await capture("c2", 4_01)).reason).toBe("exceedsAuthorized");
  expect((await operate("r1", { kind: "refund", authorization: "a1", amountMinor: 6_01 })).reason).toBe(
    "exceedsCaptured",
  );
  expect((await operate("r2", { kind: "refund", authorization: "a1", amountMinor: 2_00 })).reason).toBeNull();
  expect(await totals()).toEqual([
    { currency: "EUR", authorizedMinor: 10_00, capturedMinor: 6_00, refundedMinor: 2_00 },
  ]);
});

test("a key has one outcome, however often and however much at once it is asked; another operation under it is refused", async () => {
  const { operate, token, totals } = await open();
  const authorize = { kind: "authorize", token: await token("approves"), ...eur } as const;
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => operate("a1", authorize)));
  expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
  await expect(operate("a1", { ...authorize, amountMinor: 1 })).rejects.toThrow("422");
  expect(await totals()).toMatchObject([{ authorizedMinor: 10_00 }]);
});

test.each(["doNotHonor", "insufficientFunds"] as const)("%s is declined", async (behaviour) => {
  const { operate, token } = await open();
  const outcome = await operate("a1", { kind: "authorize", token: await token(behaviour), ...eur });
  expect(outcome).toMatchObject({ status: "declined", reason: behaviour });
});

test.each(["silent", "deaf", "late"] as const)(
  "where an answer is %s, asking again finds out, and nothing is done twice",
  async (behaviour) => {
    const { operate, token, totals } = await open();
    const authorize = { kind: "authorize", token: await token(behaviour), ...eur } as const;
    await expect(operate("a1", authorize)).rejects.toThrow();
    expect(await operate("a1", authorize)).toMatchObject({ key: "a1", status: "approved" });
    expect(await totals()).toMatchObject([{ authorizedMinor: 10_00 }]);
  },
);

test("an answer that is written twice is never taken for that of the next question", async () => {
  const { operate, token } = await open();
  const authorize = { kind: "authorize", token: await token("twice"), ...eur } as const;
  const answered: string[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    // A connection that holds a stray answer may fail; asking again is what a caller does.
    const ask = () => operate(`a${turn}`, authorize);
    answered.push((await ask().catch(ask).catch(ask)).key);
  }
  expect(answered).toEqual(Array.from({ length: 20 }, (_, turn) => `a${turn}`));
});

test("what was forgotten cannot be captured", async () => {
  const { operate, token } = await open();
  await operate("a1", { kind: "authorize", token: await token("forgetful"), ...eur });
  const outcome = await operate("c1", { kind: "capture", authorization: "a1", amountMinor: 1 });
  expect(outcome.reason).toBe("unknownAuthorization");
});

test("a void that comes before its authorization stops it", async () => {
  const { operate, token } = await open();
  await operate("v1", { kind: "void", authorization: "a1" });
  const outcome = await operate("a1", { kind: "authorize", token: await token("approves"), ...eur });
  expect(outcome.reason).toBe("voided");
});

test("its record outlives its process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "acquirer-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "record.jsonl");
  const before = await open({ file });
  await before.operate("a1", { kind: "authorize", token: await before.token("approves"), ...eur });
  await before.operate("c1", { kind: "capture", authorization: "a1", amountMinor: 3_00 });
  const sums = await before.totals();
  for (const end of ends.splice(0).reverse()) await end();
  const after = await open({ file });
  expect(await after.totals()).toEqual(sums);
  expect((await after.operate("c2", { kind: "capture", authorization: "a1", amountMinor: 7_01 })).reason).toBe(
    "exceedsAuthorized",
  );
});

test("chaos loses, doubles and delays answers, and asking again until there is one leaves books that agree", async () => {
  const { operate, token, totals } = await open({ chaos: { seed: 7, permille: 400 }, lateMs: 300 }, 200);
  const card = await token("approves");
  const patiently = async (key: string, operation: Parameters<typeof operate>[1]) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return { outcome: await operate(key, operation), tries };
      } catch (error) {
        if (tries === 10) throw error;
      }
    }
  };
  const authorizations = await Promise.all(
    Array.from({ length: 30 }, (_, at) => patiently(`a${at}`, { kind: "authorize", token: card, ...eur })),
  );
  expect(authorizations.every(({ outcome }) => outcome.status === "approved")).toBe(true);
  expect(authorizations.some(({ tries }) => tries > 1)).toBe(true);
  expect(await totals()).toMatchObject([{ authorizedMinor: 300_00 }]);
});
