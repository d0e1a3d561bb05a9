import type { Sent } from "@banyan/kernel";
import type { payments } from "@banyan/neopay-payments/contract";
import * as z from "zod";
import type { NoticeFacts } from "./notices.ts";
import type { Provider } from "./provider.ts";

/** How an ATM or QR payment has ended, by the reference that its provider was given. */
export interface PaymentNews {
  readonly outcome: Sent<typeof payments.takeNotice>["type"];
  readonly reference: string;
}

interface Dialect {
  readonly outcomes: Readonly<Record<string, PaymentNews["outcome"]>>;
  /** What holds the reference, among what the provider gives back untouched; null: what it tells about itself. */
  readonly field: "metadata" | "notes" | null;
}

const Referring = z.looseObject({ reference: z.uuid() });

/**
 * Final words alone, so that it does not matter in which order they come: a try that failed (`payment_intent.payment_failed`,
 * `payment.failed`) may be followed by one that succeeds.
 */
const dialects: Readonly<Record<Provider["scheme"], Dialect>> = {
  stripe: {
    outcomes: { "payment_intent.succeeded": "authorized", "payment_intent.canceled": "canceled" },
    field: "metadata",
  },
  razorpay: { outcomes: { "payment.captured": "authorized" }, field: "notes" },
  standard: {
    outcomes: {
      "payment.authorized": "authorized",
      "payment.declined": "declined",
      "payment.canceled": "canceled",
    },
    field: null,
  },
};

/** What a notice says of a payment; null where it says nothing final, or of nothing that we gave a reference to. */
export function paymentNewsOf(scheme: Provider["scheme"], { type, data }: NoticeFacts): PaymentNews | null {
  const { outcomes, field } = dialects[scheme];
  const outcome = Object.hasOwn(outcomes, type) ? outcomes[type] : undefined;
  const found = Referring.safeParse(field === null ? data : data[field]);
  return outcome === undefined || !found.success ? null : { outcome, reference: found.data.reference };
}
