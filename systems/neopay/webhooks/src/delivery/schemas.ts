import * as z from "zod";

const instant = z.iso.datetime();
const id = z.uuid();

export const Page = { after: z.int().min(0).default(0), limit: z.int().min(1).max(1_000).default(100) };

const Status = z.enum(["pending", "delivered", "failed"]);

/** One message on its way to one endpoint. */
export const Delivery = z.object({
  id,
  endpoint: id,
  /** Sent as webhook-id, `msg_` before it: the same for every attempt and every endpoint. */
  message: id,
  type: z.string(),
  status: Status,
  attemptCount: z.int(),
  /** When the next attempt is due; null where it is settled. */
  nextAt: instant.nullable(),
  settledAt: instant.nullable(),
  createdAt: instant,
});
export type Delivery = z.infer<typeof Delivery>;

export const ListDeliveries = z.strictObject({ endpoint: id.optional(), status: Status.optional(), ...Page });

export const DeliveryPage = z.object({ deliveries: z.array(Delivery), next: z.int().nullable() });

const Attempt = z.object({
  number: z.int(),
  at: instant,
  tookMs: z.int(),
  /** What the receiver answered; null where no answer came. */
  status: z.int().nullable(),
  /** Why no answer came. */
  error: z.string().nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

export const DeliveryReport = z.object({ ...Delivery.shape, body: z.string(), attempts: z.array(Attempt) });

/** due: to be sent as it stands, signed for this moment. stale: delivered, or redelivered since. disabled: not to be sent. */
export const Due = z.object({
  state: z.enum(["due", "stale", "disabled"]),
  request: z
    .object({ endpoint: id, url: z.string(), headers: z.record(z.string(), z.string()), body: z.string() })
    .nullable(),
});
