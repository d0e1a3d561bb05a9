import { setTimeout as pause } from "node:timers/promises";
import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { statements } from "@banyan/neopay-statements/contract";
import { ledgerAddressOf, mirrorNameOf, type reconciliation } from "./contract.ts";
import { countArrived } from "./item-store.ts";

type Context = Parameters<Handler<typeof reconciliation.run>>[0];

const waitMaxMs = 2_000;
const pauseMs = 20;
const retryAfterMs = 1_000;

/**
 * Waits until everything that the ledger and the statements have of the accounts has arrived as events, for 2 s at most and
 * half of the budget. A run before that would open breaks that are none. Raises `catchingUp` when it takes longer.
 */
export async function awaitArrival(ctx: Context, account: string | null): Promise<void> {
  const until = performance.now() + Math.min(waitMaxMs, ctx.remainingMs() / 2);
  for (;;) {
    const behind = await findBehind(ctx, account);
    if (behind === null) return;
    if (performance.now() >= until) throw ctx.faults.catchingUp({ account: behind }, { retryAfterMs });
    await pause(pauseMs, undefined, { signal: ctx.signal });
  }
}

/** An account of which something has not arrived yet, or null. */
async function findBehind(ctx: Context, account: string | null): Promise<string | null> {
  const arrived = await countArrived(ctx.sql, ctx.identity.tenant);
  const told = new Map<string, number>();
  for (const { account: name, statementCount } of (await ctx.call(statements.accounts, {})).accounts) {
    const mirror = mirrorNameOf(name);
    told.set(mirror, (told.get(mirror) ?? 0) + statementCount);
  }
  const names = account === null ? [...new Set([...arrived.keys(), ...told.keys()])] : [account];
  for (const name of names) {
    if ((arrived.get(name)?.statements ?? 0) < (told.get(name) ?? 0)) return name;
    if ((arrived.get(name)?.ledgerItems ?? 0) < (await entryCount(ctx, name))) return name;
  }
  return null;
}

async function entryCount(ctx: Context, account: string): Promise<number> {
  try {
    return (await ctx.call(ledger.account, { address: ledgerAddressOf(account) })).entryCount;
  } catch (error) {
    if (ledger.faults.accountNotFound.is(error)) return 0;
    throw error;
  }
}
