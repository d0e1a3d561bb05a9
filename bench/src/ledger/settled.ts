import { setTimeout as pause } from "node:timers/promises";
import type { App } from "@banyan/kernel/app";
import { connect, statement } from "@banyan/sql-postgres";

const unsealed = statement(
  "SELECT s.last_value > h.sealed_seq AS some FROM ledger.transaction_seq AS s, ledger.seal_horizon AS h",
);

/** Waits until nothing follows from what was posted any more, and answers after how many milliseconds it was delivered and sealed. */
export async function settled(app: App, url: string): Promise<{ delivered: number; sealed: number }> {
  const startedMs = performance.now();
  await app.settled({ deadlineMs: 100_000 });
  const delivered = performance.now() - startedMs;
  const connection = await connect({ url });
  try {
    while ((await connection.run([unsealed]))[0]?.rows[0]?.some === true) await pause(20);
  } finally {
    await connection.close();
  }
  return { delivered, sealed: performance.now() - startedMs };
}
