import type { App } from "@banyan/kernel/app";
import { ledger } from "@banyan/neopay-ledger/contract";

/** The accounts that every ledger row posts between: wallets, and one that is hot. */
const WALLETS = 1_000;
const currency = "EUR";
const hot = "bench:hot";
const wallet = (number: number) => `bench:wallet-${number % WALLETS}`;

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
  const one = wallet(scattered(number));
  const other = spread === "spread" ? wallet(scattered(number) + 1 + (number % 7)) : hot;
  const [source, destination] = number % 2 === 0 ? [one, other] : [other, one];
  return {
    reference: `${run}-${number}`,
    postings: [{ source, destination, amountMinor: 1 + (number % 100), currency }],
  };
}

/** Neighbouring numbers fall far apart (Knuth's multiplicative hash, TAOCP 3, section 6.4), the same ones in every run. */
function scattered(number: number): number {
  return Math.imul(number, 2_654_435_761) >>> 8;
}
