import { createHmac } from "node:crypto";
import { fxService } from "@banyan/neopay-fx";
import { ledgerService } from "@banyan/neopay-ledger";
import { payoutsService } from "@banyan/neopay-payouts";
import { reconciliationService } from "@banyan/neopay-reconciliation";
import { statementsService } from "@banyan/neopay-statements";
import { createWebhooksService } from "@banyan/neopay-webhooks";

const providerSecret = "journey-provider-secret";

/** A notice as Stripe sends it, signed now. */
export function signedByStripe(event: { id: string; type: string; created: number; data: object }) {
  const payload = JSON.stringify(event, null, 1);
  const at = Math.floor(Date.now() / 1_000);
  const mac = createHmac("sha256", providerSecret).update(`${at}.${payload}`).digest("hex");
  return { provider: "stripe", payload, stripeSignature: `t=${at},v1=${mac}` };
}

/** Merchants' servers are on this machine here. */
export const webhooksService = createWebhooksService({
  allowedHosts: ["127.0.0.1"],
  providers: { stripe: { scheme: "stripe", secrets: [providerSecret] } },
});

/** Everything that money passes on its way to a merchant's bank. */
export const moneyServices = [
  ledgerService,
  statementsService,
  reconciliationService,
  payoutsService,
  fxService,
  webhooksService,
] as const;
