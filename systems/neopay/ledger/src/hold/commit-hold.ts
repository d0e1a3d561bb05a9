import { batched } from "@banyan/kernel";
import type { BatchItem } from "@banyan/kernel/types";
import { ledger } from "../contract.ts";
import { tellCrossings } from "../monitor/tell-crossings.ts";
import { addressesOf } from "../transaction/transaction.ts";
import { type Commitment, commitHolds } from "./commit-holds.ts";
import type { Hold } from "./schemas.ts";

/** Commitments in flight share their statements and one commit; each has its own verdict, key, events and audit record. */
export const commitHold = batched<typeof ledger.commitHold>(
  async (ctx, items) => {
    const tenant = items[0]?.identity.tenant ?? "";
    const inputs = items.map(({ input }) => input);
    const commitments = await commitHolds(ctx, tenant, inputs);
    return commitments.map((commitment, place) =>
      "posted" in commitment ? tell(items[place] as (typeof items)[number], commitment) : commitment,
    );
  },
  { perTenant: true },
);

function tell(item: BatchItem<typeof ledger.commitHold>, { committed, posted, rest, crossings }: Commitment): Hold {
  item.emit(ledger.posted, posted);
  tellCrossings(item, posted, crossings);
  item.emit(ledger.holdCommitted, committed);
  item.invalidate(committed.source, committed.destination, ...addressesOf([posted]));
  if (rest === undefined) return committed;
  item.emit(ledger.holdPlaced, rest);
  if (rest.expiresAt !== null) item.enqueue(ledger.expireHold, { id: rest.id }, { at: Date.parse(rest.expiresAt) });
  return committed;
}
