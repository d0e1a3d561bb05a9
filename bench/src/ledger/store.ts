import { createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { createPostgresStore } from "@banyan/sql-postgres";
import { perSecond } from "../loops.ts";
import { settled } from "./settled.ts";
import { openAccounts, transfer } from "./transfers.ts";

/** Bulk posting without HTTP: transfers per second through the ledger's own command, with its events and audit record. */
export async function open({ url, perCall, callers }: { url: string; perCall: number; callers: number }) {
  const app = createApp({ services: [ledgerService], store: createPostgresStore({ url }), validateOutput: false });
  await app.start();
  await openAccounts(app);
  const run = crypto.randomUUID();
  let last = 0;
  const postBulk = async () => {
    const first = last;
    last += perCall;
    const transactions = Array.from({ length: perCall }, (_, index) => transfer(run, first + index, "spread"));
    const { postedCount } = await app.call(ledger.postBulk, { transactions }, { idempotencyKey: `${run}-${first}` });
    if (postedCount !== perCall) throw new Error(`${perCall - postedCount} of ${perCall} transfers were not posted.`);
    return perCall;
  };
  return {
    bulk: (durationMs: number) => perSecond(postBulk, callers, durationMs),
    settled: () => settled(app, url),
  };
}
