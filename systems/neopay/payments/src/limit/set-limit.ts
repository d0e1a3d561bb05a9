import type { Handler } from "@banyan/kernel";
import type { payments } from "../contract.ts";
import { type LimitRow, limitOf } from "./spending-limit.ts";

export const setLimit: Handler<typeof payments.setLimit> = async (ctx, limit) => {
  const { merchant, name, method, perInstrument, dayMinorMax, countMax, windowMs } = limit;
  await ctx.sql`
    INSERT INTO payments.spending_limit (tenant, merchant, name, method, per_instrument, day_minor_max, count_max, window_ms)
    VALUES (${ctx.identity.tenant}, ${merchant}, ${name}, ${method}, ${perInstrument}, ${dayMinorMax}, ${countMax}, ${windowMs})
    ON CONFLICT (tenant, merchant, name) DO UPDATE
    SET method = excluded.method, per_instrument = excluded.per_instrument, day_minor_max = excluded.day_minor_max,
      count_max = excluded.count_max, window_ms = excluded.window_ms`;
  return limit;
};

export const removeLimit: Handler<typeof payments.removeLimit> = async (ctx, { merchant, name }) => {
  const [row] = await ctx.sql<LimitRow>`
    DELETE FROM payments.spending_limit
    WHERE tenant = ${ctx.identity.tenant} AND merchant = ${merchant} AND name = ${name} RETURNING *`;
  if (row === undefined) throw ctx.faults.limitNotFound({ merchant, name });
  return limitOf(row);
};
