import type { Identity } from "@banyan/kernel";
import { actsFor } from "@banyan/neopay-merchants/contract";

/**
 * Whether a caller may know of a merchant's payments, and do with them what its other permissions let it: who acts for the merchant, and
 * who operates payments. For everybody else they are not there.
 */
export function isKnownTo({ permissions }: Identity, merchant: string): boolean {
  return [actsFor(merchant), "payments:operate", "*"].some((permission) => permissions.has(permission));
}
