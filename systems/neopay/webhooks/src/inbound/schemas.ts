import * as z from "zod";

const header = z.string().max(4_096).optional();

/** A provider's webhook: the body as it came, and the headers that sign it. Which of them count is the provider's scheme. */
export const TakeNotice = z.strictObject({
  provider: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, { error: "must be a provider's name, such as stripe" }),
  payload: z.string(),
  stripeSignature: header,
  razorpaySignature: header,
  webhookId: header,
  webhookTimestamp: header,
  webhookSignature: header,
});
export type TakeNotice = z.output<typeof TakeNotice>;

export const Taken = z.object({
  resultCode: z.literal(0),
  eventId: z.string(),
  /** It was taken before; nothing more happened. */
  duplicate: z.boolean(),
});

/** What a provider told, in one shape. */
export const Notice = z.strictObject({
  provider: z.string(),
  eventId: z.string(),
  type: z.string(),
  /** The provider's id of what it tells about. */
  subject: z.string(),
  /** By the provider's clock, in milliseconds since 1970. */
  occurredAt: z.int(),
  /** Something newer was heard of the subject before. */
  late: z.boolean(),
  data: z.record(z.string(), z.unknown()),
});
export type Notice = z.output<typeof Notice>;
