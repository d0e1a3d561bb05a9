import * as z from "zod";

const instant = z.iso.datetime();

/** A merchant's code. */
const merchantCode = z.string().min(1).max(64);

/** `payout.sent`: words joined by full stops, as Standard Webhooks wants them. */
const eventType = z
  .string()
  .max(100)
  .regex(/^[a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)*$/, { error: "must be words joined by full stops, such as payout.sent" });

export const CreateEndpoint = z.strictObject({
  /** https, on the public internet, without credentials. */
  url: z.string().min(1).max(2_000),
  /** Whose events are sent; those of every merchant where absent. */
  merchant: merchantCode.optional(),
  /** Which events are sent; all of them where absent. */
  types: z.array(eventType).min(1).max(50).optional(),
});

export const AtEndpoint = z.strictObject({ id: z.uuid() });

export const Endpoint = z.object({
  id: z.uuid(),
  url: z.string(),
  merchant: z.string().nullable(),
  /** Empty: all. */
  types: z.array(z.string()),
  status: z.enum(["enabled", "disabled"]),
  /** Why it is disabled: by a person, by the receiver's 410, or after three days of failures. */
  disabledReason: z.string().nullable(),
  /** The first failure after the last success. */
  failingSince: instant.nullable(),
  createdAt: instant,
});
export type Endpoint = z.infer<typeof Endpoint>;

export const EndpointPage = z.object({ endpoints: z.array(Endpoint), next: z.int().nullable() });

export const NewSecret = z.object({
  ...Endpoint.shape,
  /** `whsec_` and base64. Asked for later, it is not told again. */
  secret: z.string(),
  /** Until when the secret before signs, too. */
  oldSecretUntil: instant.nullable(),
});
