import type { BerkaRow } from "@banyan/neopay-bank-files";
import type { ImportBreak } from "./report.ts";

const DAY_MS = 86_400_000;
const FIELDS = 4;

/**
 * Holds the bank's running balances against the amounts, at the end of each day: within a day the file's order is not the
 * bank's. A day whose end could not have been any of the balances stated on it is a drift; the next day is then measured
 * from the bank's balance, so that each drift is told once.
 */
export function createDayBalances(): { add(row: BerkaRow): void; drifts(): ImportBreak[] } {
  // Flat numbers (day, moved, balance, id): a million rows are 32 MB and not a million objects.
  const accounts = new Map<string, number[]>();
  return {
    add({ account, day, direction, amountMinor, balanceMinor, transactionId }) {
      const rows = accounts.get(account) ?? [];
      accounts.set(account, rows);
      const movedMinor = direction === "credit" ? amountMinor : -amountMinor;
      rows.push(Date.parse(day) / DAY_MS, movedMinor, balanceMinor, Number(transactionId));
    },
    drifts: () => [...accounts].flatMap(([account, rows]) => driftsOf(account, rows)),
  };
}

function driftsOf(account: string, rows: readonly number[]): ImportBreak[] {
  const breaks: ImportBreak[] = [];
  let bankMinor = 0;
  let computedMinor = 0;
  for (const [day, { movedMinor, balances }] of byDay(rows)) {
    computedMinor += movedMinor;
    const due = bankMinor + movedMinor;
    bankMinor = balances.reduce((nearest, stated) =>
      Math.abs(stated - due) < Math.abs(nearest - due) ? stated : nearest,
    );
    const driftMinor = bankMinor - due;
    if (driftMinor === 0) continue;
    const written = new Date(day * DAY_MS).toISOString().slice(0, 10);
    breaks.push({
      kind: "balanceDrift",
      account: `berka:${account}`,
      day: written,
      bankMinor,
      computedMinor,
      driftMinor,
    });
  }
  return breaks;
}

type Day = { movedMinor: number; balances: number[] };

/** A row that the file holds twice counts once, as it does in the ledger. */
function byDay(rows: readonly number[]): [number, Day][] {
  const days = new Map<number, Day>();
  const seen = new Set<string>();
  for (let at = 0; at < rows.length; at += FIELDS) {
    const row = rows.slice(at, at + FIELDS);
    const key = row.join();
    if (seen.has(key)) continue;
    seen.add(key);
    const [number = 0, movedMinor = 0, balanceMinor = 0] = row;
    const day = days.get(number) ?? { movedMinor: 0, balances: [] };
    days.set(number, day);
    day.movedMinor += movedMinor;
    day.balances.push(balanceMinor);
  }
  return [...days].toSorted(([a], [b]) => a - b);
}
