import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { isFault, type Returned, type Sent } from "@banyan/kernel";
import type { AnyAction } from "@banyan/kernel/app";
import { ledger } from "@banyan/neopay-ledger/contract";
import { type ImportReport, refuse } from "./report.ts";

/** Calls an action, in this process or over HTTP: `App.call`, or a client with its shape. */
export type Call = <A extends AnyAction>(
  action: A,
  input: Sent<A>,
  options?: { readonly idempotencyKey?: string; readonly deadlineMs?: number },
) => Promise<Returned<A>>;

export type BulkTransaction = Sent<typeof ledger.postBulk>["transactions"][number];

/** About 300 KB of JSON, and some 50 ms of the ledger's time: small enough to show progress and to be cheap to repeat. */
export const chunkSize = 1_000;
const deadlineMs = 30_000;
const attemptsMax = 6;
const firstPauseMs = 200;

/**
 * Posts transactions and counts each as accepted, duplicate or refused. Their references make it safe to run again after
 * any interruption: what was posted before is a duplicate. A reference that was used for something else is refused.
 * Answers which of the transactions are in the ledger now, in order.
 */
export async function postInBulk(
  call: Call,
  transactions: readonly BulkTransaction[],
  report: ImportReport,
): Promise<boolean[]> {
  if (transactions.length === 0) return [];
  try {
    const { results } = await retried((idempotencyKey) =>
      call(ledger.postBulk, { transactions: [...transactions], atomic: false }, { idempotencyKey, deadlineMs }),
    );
    return results.map((result) => count(result, report));
  } catch (error) {
    if (!isFault(error) || error.code !== "kernel.invalidInput") throw error;
    // One transaction that the ledger does not take as input must not refuse its neighbours.
    if (transactions.length === 1) {
      refuse(report, error.message);
      return [false];
    }
    const half = Math.ceil(transactions.length / 2);
    const first = await postInBulk(call, transactions.slice(0, half), report);
    return [...first, ...(await postInBulk(call, transactions.slice(half), report))];
  }
}

type Result = Returned<typeof ledger.postBulk>["results"][number];

function count({ status, reference, sameContent, fault }: Result, report: ImportReport): boolean {
  if (status === "posted") report.accepted += 1;
  else if (status === "duplicate" && sameContent) report.duplicate += 1;
  else {
    refuse(
      report,
      status === "duplicate"
        ? `the reference ${reference} was used before for something else`
        : `${reference}: ${fault?.message ?? status}`,
    );
    return false;
  }
  report.received += 1;
  return true;
}

/** Opens what is missing of the accounts, without a floor: they mirror accounts that a bank keeps. */
export async function openAccounts(call: Call, accounts: ReadonlyMap<string, string>): Promise<void> {
  const missing = [...accounts];
  const openNext = async (): Promise<void> => {
    for (let next = missing.pop(); next; next = missing.pop()) {
      const [address, currency] = next;
      await retried((idempotencyKey) =>
        call(ledger.openAccount, { address, currency, floorMinor: null }, { idempotencyKey }),
      ).catch((error: unknown) => {
        if (!ledger.faults.accountExists.is(error)) throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, openNext));
}

/** Tries again what may be tried again; the key makes a try that did happen count once. */
export async function retried<T>(attempt: (idempotencyKey: string) => Promise<T>): Promise<T> {
  const idempotencyKey = `import:${randomUUID()}`;
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt(idempotencyKey);
    } catch (error) {
      if (!isFault(error) || error.retry === "no" || tries === attemptsMax) throw error;
      await pause(error.retryAfterMs ?? firstPauseMs * 2 ** (tries - 1) * (0.5 + Math.random()));
    }
  }
}
