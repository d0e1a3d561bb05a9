// A process of its own that dies at a step: `node kill-steps-main.ts DATABASE_URL ACQUIRER_URL CARD WALLET PAYMENTS [WORKFLOW STEP before|after]`.
// PAYMENTS are names such as `CC-3`, by commas. It collects each, of `CC-parts-3` a part and lets go of the rest, and gives a part back, under
// the same keys in every life; and kills itself with SIGKILL when it comes to the step, or when that was done and nothing of it is kept yet.
import { createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { merchantsService } from "@banyan/neopay-merchants";
import { createPostgresStore } from "@banyan/sql-postgres";
import { payments } from "../src/contract.ts";
import { createPaymentsService } from "../src/index.ts";

const [url = "", acquirerUrl = "", card = "", wallet = "", names = "", workflow, step, when] = process.argv.slice(2);
type Service = ReturnType<typeof createPaymentsService>;
type Act = (...given: unknown[]) => unknown;

const die = (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
};

/** What else a flow has, such as newId, is no step, though it may have the name of one. */
const stepKinds: readonly unknown[] = ["call", "run", "transaction", "sleep", "waitFor"];

/** The flow, whose step of that name is its process's last. */
function deadly(flow: object): object {
  return new Proxy(flow, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || !stepKinds.includes(name)) return value;
      return (...given: unknown[]) => {
        const [asked, work, ...rest] = given;
        if (asked !== step) return value.apply(target, given);
        if (when === "before") return die();
        if (name !== "run") return (value.apply(target, given) as Promise<unknown>).then(die);
        const outside = async (context: unknown) => {
          await (work as Act)(context);
          return die();
        };
        return value.call(target, asked, outside, ...rest);
      };
    },
  });
}

function dying(service: Service): Service {
  if (workflow === undefined) return service;
  const handlers = [...service.handlers].map(([action, handler]) => {
    if (action.name !== workflow || typeof handler !== "function") return [action, handler] as const;
    return [action, (flow: unknown, input: unknown) => handler(deadly(flow as object), input)] as const;
  });
  return { ...service, handlers: new Map(handlers) };
}

const app = createApp({
  services: [
    ledgerService,
    merchantsService,
    dying(createPaymentsService({ acquirer: { url: acquirerUrl, timeoutMs: 500 } })),
  ],
  store: createPostgresStore({ url }),
  workflows: { leaseMs: 1_000 },
  deadlineMs: 60_000,
});
await app.start();
await Promise.all(
  names.split(",").map(async (name) => {
    const method = name.startsWith("CC") ? "CC" : "WALLET";
    const isInParts = name.includes("parts");
    const asked = {
      merchant: "acme",
      merchantTxnId: name,
      orderId: name,
      amountMinor: 10_00,
      currency: "EUR",
      method,
      capture: isInParts ? "manual" : "auto",
    } as const;
    const instrument = method === "CC" ? card : wallet;
    const { id } = await app.call(payments.create, asked, { idempotencyKey: `create-${name}` });
    await app.call(payments.authorize, { id, instrument }, { idempotencyKey: `pay-${name}` });
    if (isInParts) {
      await app.call(payments.capture, { id, amountMinor: 6_00 }, { idempotencyKey: `capture-${name}` });
      await app.call(payments.cancel, { id }, { idempotencyKey: `cancel-${name}` });
    }
    await app.call(payments.refund, { id, amountMinor: 1_00 }, { idempotencyKey: `refund-${name}` });
  }),
);
await app.stop();
