import { randomOf } from "./profile.ts";

/** One movement that a client wants posted, known by its reference for ever. */
export interface Transfer {
  readonly reference: string;
  readonly source: string;
  readonly destination: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** Day of effect, "YYYY-MM-DD". */
  readonly day: string;
}

const accountCount = 24;
const outside = "world:faults";

/** Accounts that may all be overdrawn, so that no order of transfers is refused. */
export const accounts = [outside, ...Array.from({ length: accountCount }, (_, n) => `faults:${n}`)];

/** Transfers among `accounts`; a third of them touch one hot account. The same seed gives the same. */
export function planTransfers(prefix: string, count: number): Transfer[] {
  const random = randomOf(prefix);
  const below = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: count }, (_, n) => {
    const source = below(3) === 0 ? outside : (accounts[1 + below(accountCount)] as string);
    const others = accounts.filter((address) => address !== source);
    return {
      reference: `${prefix}:${n}`,
      source,
      destination: others[below(others.length)] as string,
      amountMinor: 1 + below(10_000),
      currency: "EUR",
      day: `2026-10-${String(1 + below(28)).padStart(2, "0")}`,
    };
  });
}

/** Rows of the Berka bank, as `banyan import berka` takes them; `firstId` keeps several files apart. */
export function planBerkaFile(
  firstId: number,
  count: number,
): { readonly text: string; readonly transfers: Transfer[] } {
  const random = randomOf(`berka ${firstId}`);
  const rows: string[] = [];
  const transfers = Array.from({ length: count }, (_, n) => {
    const account = 1 + Math.floor(random() * accountCount);
    const amountMinor = 1 + Math.floor(random() * 100_000);
    const [day, isCredit] = [1 + Math.floor(random() * 28), random() < 0.5];
    const amount = `${Math.floor(amountMinor / 100)}.${String(amountMinor % 100).padStart(2, "0")}`;
    const twoDigits = String(day).padStart(2, "0");
    rows.push(
      `${firstId + n};${account};9610${twoDigits};"${isCredit ? "PRIJEM" : "VYDAJ"}";"";${amount};0.00;"";"";""`,
    );
    const [source, destination] = isCredit ? ["world:berka", `berka:${account}`] : [`berka:${account}`, "world:berka"];
    return {
      reference: `berka:${firstId + n}`,
      source: source as string,
      destination: destination as string,
      amountMinor,
      currency: "CZK",
      day: `1996-10-${twoDigits}`,
    };
  });
  const head = `"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"`;
  return { text: `${head}\n${rows.join("\n")}\n`, transfers };
}
