import { type NoticeFacts, readRazorpay, readStandard, readStripe } from "./notices.ts";
import type { TakeNotice } from "./schemas.ts";
import { checkRazorpay, checkStandard, checkStripe, type Refusal } from "./signatures.ts";

/** Who may send webhooks in, and how they are signed. */
export interface Provider {
  /** stripe: `t=…,v1=…` over `t.body`. razorpay: HMAC over the body. standard: Standard Webhooks 1.0, secrets as `whsec_…`. */
  readonly scheme: "stripe" | "razorpay" | "standard";
  /** Any of them is good, so that one can be changed without a gap. */
  readonly secrets: readonly string[];
}

type Verdict =
  | { readonly refused: Refusal }
  /** null: signed well, and yet no notice of this scheme. */
  | { readonly notice: NoticeFacts | null };

const schemes = {
  stripe: { check: checkStripe, read: readStripe },
  razorpay: { check: checkRazorpay, read: readRazorpay },
  standard: { check: checkStandard, read: readStandard },
} as const;

/** Verifies the signature over the body as it came, and only then looks into the body. `now` in milliseconds since 1970. */
export function verifyNotice({ scheme, secrets }: Provider, given: TakeNotice, now: number): Verdict {
  const { check, read } = schemes[scheme];
  const refused = check(given, secrets, now);
  return refused === null ? { notice: read(given) } : { refused };
}
