import { parseStatements } from "@banyan/neopay-bank-files";
import { ledger } from "@banyan/neopay-ledger/contract";
import { payouts } from "@banyan/neopay-payouts/contract";
import { expect, test } from "vitest";
import { statementOfTheDay } from "../src/bank-statement.ts";
import {
  accounts,
  bankAccount,
  beneficiary,
  deposit,
  depositTakenMinor,
  morning,
  paidOutMinor,
} from "../src/movements.ts";

const taken = { postings: [{ ...deposit, amountMinor: depositTakenMinor }] };
const acme = `merchants:${beneficiary.merchant}:settlement`;
/** What the service of payouts posts: see its own tests. */
const payout = {
  postings: [
    { source: acme, destination: "world:owed:EUR", amountMinor: paidOutMinor, currency: "EUR" },
    { source: `bank:${bankAccount}`, destination: "world:bank:EUR", amountMinor: paidOutMinor, currency: "EUR" },
  ],
};
const movements = [...morning, payout];

test("the bank's statement ties and tells exactly what moved on the bank account", () => {
  const { statements, problems } = parseStatements(statementOfTheDay("0123456789abcdef"));
  expect(problems).toEqual([]);
  expect(statements).toHaveLength(1);
  expect(statements[0]).toMatchObject({ account: bankAccount, ties: true });
  const told = statements[0]?.entries.map(({ direction, amountMinor }) =>
    direction === "credit" ? amountMinor : -amountMinor,
  );
  expect(told).toEqual(
    movements.map(({ postings }) => change(`bank:${bankAccount}`, postings)).filter((minor) => minor !== 0),
  );
});

test("no account but the outside world's goes below zero at any time", () => {
  const balances = new Map<string, number>();
  for (const { postings } of [...morning, taken, payout]) {
    for (const { source, destination, amountMinor } of postings) {
      balances.set(source, (balances.get(source) ?? 0) - amountMinor);
      balances.set(destination, (balances.get(destination) ?? 0) + amountMinor);
    }
    for (const { address, floorMinor } of accounts) {
      if (floorMinor !== null) expect(balances.get(address) ?? 0).toBeGreaterThanOrEqual(floorMinor);
    }
  }
  expect(balances.get(acme)).toBe(0);
  const claims = [...balances].filter(([address]) => /^(users|merchants|fees):/.test(address));
  const owed = claims.reduce((sum, [, balance]) => sum + balance, 0);
  expect(balances.get(`bank:${bankAccount}`)).toBe(owed);
});

test("every input is what the ledger takes", () => {
  const refused = [
    ...accounts.map((account) => ledger.openAccount.definition.input["~standard"].validate(account)),
    payouts.setBeneficiary.definition.input["~standard"].validate(beneficiary),
    ...morning.map((movement) => ledger.post.definition.input["~standard"].validate(movement)),
    ledger.placeHold.definition.input["~standard"].validate(deposit),
  ].filter((result) => result instanceof Promise || result.issues !== undefined);
  expect(refused).toEqual([]);
});

function change(
  address: string,
  postings: readonly { source: string; destination: string; amountMinor: number }[],
): number {
  return postings.reduce((sum, { source, destination, amountMinor }) => {
    return sum + (destination === address ? amountMinor : 0) - (source === address ? amountMinor : 0);
  }, 0);
}
