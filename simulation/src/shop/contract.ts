import { command, defineContract, event, fault, workflow } from "@banyan/kernel";
import { z } from "zod";

const Parcel = z.strictObject({ reference: z.string(), name: z.string(), parcel: z.int() });
const Turn = z.strictObject({ reference: z.string(), turn: z.int() });

/** A shop that sells by NeoPay's payments: one workflow with every kind of step. */
export const shop = defineContract("shop", {
  faults: { unpaid: fault("conflict"), unwanted: fault("conflict") },
  commands: {
    /** One row of the run. */
    note: command({ input: Parcel, output: z.object({}), access: "shop" }),
    tell: command({ input: Turn, output: z.object({}), access: "shop" }),
  },
  events: { told: event({ data: Turn, key: ({ reference }) => reference }) },
  workflows: {
    sell: workflow({
      input: z.strictObject({
        reference: z.string(),
        method: z.enum(["WALLET", "CC"]),
        instrument: z.string(),
        partsMinor: z.array(z.int()),
      }),
      output: z.object({ paymentId: z.string(), parcel: z.int(), turns: z.array(z.int()) }),
      faults: ["unpaid", "unwanted"],
      access: "shop",
      version: 1,
      signals: { decided: z.strictObject({ yes: z.boolean() }) },
    }),
  },
});
