import type { Handler } from "@banyan/kernel";
import { payments } from "@banyan/neopay-payments/contract";
import type { webhooks } from "../contract.ts";

/** Payments know a notice by its provider and id, so a job that runs twice tells it once. */
export const tellPayments: Handler<typeof webhooks.tellPayments> = async (ctx, { reference, ...notice }) => {
  await ctx.call(payments.takeNotice, { ...notice, data: { reference } });
};
