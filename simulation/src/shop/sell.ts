import { type Handler, implement, isFault, type Service } from "@banyan/kernel";
import { payments } from "@banyan/neopay-payments/contract";
import { shop } from "./contract.ts";
import type { Courier } from "./courier.ts";

type Uses = { readonly courier: Courier };

const lifetimeMs = 120_000;

/** Has it paid for and sent, at once, and insured; captures in parts, side by side, once it was wanted and told of twice. */
const sell: Handler<typeof shop.sell, Uses> = async (flow, { reference, method, instrument, partsMinor }) => {
  const { courier } = flow.uses;
  const asked = {
    merchant: "acme",
    merchantTxnId: reference,
    orderId: reference,
    amountMinor: partsMinor.reduce((sum, part) => sum + part, 0),
    currency: "EUR",
    method,
    capture: "manual",
    expiresAt: new Date(flow.startedAt + lifetimeMs).toISOString(),
  } as const;
  const { id } = await flow.call("create", payments.create, asked);
  const authorized = flow.call(
    "authorize",
    payments.authorize,
    { id, instrument },
    { undo: (step) => over(step.call(payments.cancel, { id })) },
  );
  const [parcel] = await Promise.all([
    flow.run("parcel", ({ signal }) => courier.send(reference, signal), {
      undo: ({ signal }) => courier.callBack(reference, signal),
    }),
    orUnpaid(authorized, flow.faults.unpaid),
  ]);
  await flow.run("insurance", ({ signal }) => courier.insure(reference, parcel, signal), {
    undo: ({ signal }) => courier.endInsurance(reference, signal),
  });
  await flow.call("note", shop.note, { reference, name: "parcel", parcel });
  const { yes } = await flow.waitFor("decision", shop.sell.signals.decided);
  if (!yes) throw flow.faults.unwanted();
  const first = await flow.waitFor("first turn", shop.told, { key: reference });
  const second = await flow.waitFor("second turn", shop.told, { key: reference });
  await Promise.all(
    partsMinor.map(async (amountMinor, at) => {
      await orUnpaid(flow.call(`capture ${at}`, payments.capture, { id, amountMinor }), flow.faults.unpaid);
      await flow.sleep(`packing ${at}`, 300 + at);
      await flow.call(`note ${at}`, shop.note, { reference, name: `part ${at}`, parcel: at });
    }),
  );
  return { paymentId: id, parcel, turns: [first.turn, second.turn] };
};

/** A fault of payments that would be the same again is the end of the sale. */
async function orUnpaid<T>(step: Promise<T>, unpaid: () => Error): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (isFault(error) && error.code.startsWith("payments.")) throw unpaid();
    throw error;
  }
}

/** What is over already need not be taken back. */
async function over(step: Promise<unknown>): Promise<void> {
  await step.catch((error: unknown) => {
    if (!payments.faults.wrongStatus.is(error)) throw error;
  });
}

const note: Handler<typeof shop.note, Uses> = async (ctx, { reference, name, parcel }) => {
  await ctx.sql`INSERT INTO shop.note VALUES (${reference}, ${name}, ${parcel})`;
  return {};
};

/** For one process, which reaches its courier in its own way. */
export function shopService(courier: Courier): Service {
  return implement(shop, {
    uses: { courier },
    commands: {
      note,
      tell: (ctx, turn) => {
        ctx.emit(shop.told, turn);
        return {};
      },
    },
    workflows: { sell },
    awaits: [shop.told],
  });
}
