import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { type Operation, Outcome, Token, Totals } from "../src/contract.ts";
import { type AcquirerOptions, type Behaviour, spawnAcquirer, testCards } from "../src/index.ts";

const eur = { amountMinor: 10_00, currency: "EUR", merchant: "acme" };
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function open(options: AcquirerOptions = {}, timeoutMs = 400) {
  const acquirer = await spawnAcquirer({ lateMs: 1_000, ...options });
  ends.push(acquirer.close);
  const ask = async (method: string, path: string, body?: unknown) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${acquirer.url}${path}`, { method, signal, ...text });
    if (!response.ok) throw new Error(`${response.status}`);
    return await response.json();
  };
  return {
    operate: async (key: string, operation: Operation) =>
      Outcome.parse(await ask("PUT", `/v1/operations/${key}`, operation)),
    outcome: async (key: string) => Outcome.parse(await ask("GET", `/v1/operations/${key}`)),
    token: async (behaviour: Behaviour) =>
      Token.parse(await ask("POST", "/v1/tokens", { number: testCards[behaviour] })).token,
    totals: async () => Totals.parse(await ask("GET", "/v1/totals")).currencies,
  };
}

test("a card is authorised, captured in parts and refunded, never beyond what came before", async () => {
  const { operate, token, totals } = await open();
  const authorize = { kind: "authorize", token: await token("approves"), ...eur } as const;
  expect(await operate("a1", authorize)).toEqual({ key: "a1", kind: "authorize", status: "approved", reason: null });
  const on = { authorization: "a1" } as const;
  expect((await operate("c1", { kind: "capture", ...on, amountMinor: 6_00 })).reason).toBeNull();
  expect((await operate("c2", { kind: "capture", ...on, amountMinor: 4_01 })).reason).toBe("exceedsAuthorized");
  expect((await operate("r1", { kind: "refund", ...on, amountMinor: 6_01 })).reason).toBe("exceedsCaptured");
  expect((await operate("r2", { kind: "refund", ...on, amountMinor: 2_00 })).reason).toBeNull();
  expect(await totals()).toEqual([
    { currency: "EUR", authorizedMinor: 10_00, capturedMinor: 6_00, refundedMinor: 2_00 },
  ]);
});

test("a key has one outcome, however often and however much at once it is asked; another operation under it is refused", async () => {
  const { operate, outcome, token, totals } = await open();
  const authorize = { kind: "authorize", token: await token("approves"), ...eur } as const;
  await expect(outcome("a1")).rejects.toThrow("404");
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => operate("a1", authorize)));
  expect(new Set([...outcomes, await outcome("a1")].map((told) => JSON.stringify(told))).size).toBe(1);
  await expect(operate("a1", { ...authorize, amountMinor: 1 })).rejects.toThrow("422");
  expect(await totals()).toMatchObject([{ authorizedMinor: 10_00 }]);
});

test("cards are declined, and what a card's acquirer forgot cannot be captured", async () => {
  const { operate, token } = await open();
  for (const behaviour of ["doNotHonor", "insufficientFunds"] as const) {
    const outcome = await operate(behaviour, { kind: "authorize", token: await token(behaviour), ...eur });
    expect(outcome).toMatchObject({ status: "declined", reason: behaviour });
  }
  await operate("a1", { kind: "authorize", token: await token("forgetful"), ...eur });
  const capture = await operate("c1", { kind: "capture", authorization: "a1", amountMinor: 1 });
  expect(capture.reason).toBe("unknownAuthorization");
});

test("where an answer is late or never comes, asking again finds out, and nothing is done twice", async () => {
  const { operate, token, totals } = await open();
  for (const behaviour of ["silent", "deaf", "late"] as const) {
    const authorize = { kind: "authorize", token: await token(behaviour), ...eur } as const;
    await expect(operate(behaviour, authorize)).rejects.toThrow();
    expect(await operate(behaviour, authorize)).toMatchObject({ key: behaviour, status: "approved" });
  }
  expect(await totals()).toMatchObject([{ authorizedMinor: 30_00 }]);
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
  const file = join(folder, "new", "record.jsonl");
  const before = await open({ file });
  await before.operate("a1", { kind: "authorize", token: await before.token("approves"), ...eur });
  await before.operate("c1", { kind: "capture", authorization: "a1", amountMinor: 3_00 });
  const sums = await before.totals();
  for (const end of ends.splice(0)) await end();
  const after = await open({ file });
  expect(await after.totals()).toEqual(sums);
  const tooMuch = await after.operate("c2", { kind: "capture", authorization: "a1", amountMinor: 7_01 });
  expect(tooMuch.reason).toBe("exceedsAuthorized");
});

test("chaos loses and delays answers, and asking again until there is one leaves books that agree", async () => {
  const { operate, token, totals } = await open({ chaos: { seed: 7, permille: 400 }, lateMs: 600 });
  const card = await token("approves");
  const patiently = async (key: string) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return { outcome: await operate(key, { kind: "authorize", token: card, ...eur }), tries };
      } catch (error) {
        if (tries === 10) throw error;
      }
    }
  };
  const asked = await Promise.all(Array.from({ length: 30 }, (_, at) => patiently(`a${at}`)));
  expect(asked.every(({ outcome }) => outcome.status === "approved")).toBe(true);
  expect(asked.some(({ tries }) => tries > 1)).toBe(true);
  expect(await totals()).toMatchObject([{ authorizedMinor: 300_00 }]);
});
