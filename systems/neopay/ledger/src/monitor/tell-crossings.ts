import type { BatchItem } from "@banyan/kernel/types";
import { ledger } from "../contract.ts";
import type { Transaction } from "../transaction/schemas.ts";
import type { Crossing } from "./crossing.ts";

/** M3: tells what a transaction crossed, in the commit that posts it. */
export function tellCrossings(
  ctx: Pick<BatchItem<typeof ledger.post>, "emit">,
  { id, seq, recordedAt }: Transaction,
  crossings: readonly Crossing[],
): void {
  for (const crossing of crossings)
    ctx.emit(ledger.balanceCrossed, { ...crossing, transactionId: id, seq, recordedAt });
}
