import type { App } from "@banyan/kernel/app";
import { ledger } from "@banyan/neopay-ledger/contract";

/** The accounts that every ledger row posts between: wallets, and one that is hot. */
export const WALLETS = 1_000;
const currency = "EUR";
const hot = "bench:hot";
const wallet = (number: number) => `bench:wallet-${number}`;

/** Opens what is not open yet, without a floor, so that no post is refused: what is measured is posting. */
export async function openAccounts(app: App): Promise<void> {
  for (const address of [hot, ...Array.from({ length: WALLETS }, (_, number) => wallet(number))]) {
    await app.call(ledger.openAccount, { address, currency, floorMinor: null }).catch((error: unknown) => {
      if (!ledger.faults.accountExists.is(error)) throw error;
    });
  }
}

/** `spread`: between two wallets, as TPC-B's accounts are random. `hot`: into and out of one account by turns. */
export type Spread = "spread" | "hot";

/** The `number`th transfer of a run; its reference is unique as long as `run` is. */
export function transfer(run: string, number: number, spread: Spread) {
  const [one, other] = walletsOf(number);
  const [source, destination] =
    spread === "spread" ? [wallet(one), wallet(other)] : number % 2 === 0 ? [wallet(one), hot] : [hot, wallet(one)];
  return {
    reference: `${run}-${number}`,
    postings: [{ source, destination, amountMinor: 1 + (number % 100), currency }],
  };
}

/** The wallets that the `number`th transfer moves money from and to, of those from 0 to WALLETS - 1. */
export function walletsOf(number: number): readonly [source: number, destination: number] {
  const one = scattered(number) % WALLETS;
  return [one, (one + 1 + (number % 7)) % WALLETS];
}

/** Neighbouring numbers fall far apart (Knuth's multiplicative hash, TAOCP 3, section 6.4), the same ones in every run. */
function scattered(number: number): number {
  return Math.imul(number, 2_654_435_761) >>> 8;
}
