import type { Handler } from "@banyan/kernel";
import type { ledger } from "../contract.ts";
import { type HoldRow, holdOf } from "./hold.ts";

export const readHold: Handler<typeof ledger.hold> = async (ctx, { id }) => {
  const [row] = await ctx.sql<HoldRow>`
    SELECT h.*, s.address AS source, d.address AS destination
    FROM ledger.hold AS h JOIN ledger.account AS s ON s.id = h.source_id JOIN ledger.account AS d ON d.id = h.destination_id
    WHERE h.id = ${id} AND h.tenant = ${ctx.identity.tenant}`;
  if (row === undefined) throw ctx.faults.holdNotFound({ hold: id });
  return holdOf(row);
};
