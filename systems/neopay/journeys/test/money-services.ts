import { fxService } from "@banyan/neopay-fx";
import { ledgerService } from "@banyan/neopay-ledger";
import { payoutsService } from "@banyan/neopay-payouts";
import { reconciliationService } from "@banyan/neopay-reconciliation";
import { statementsService } from "@banyan/neopay-statements";
import { createWebhooksService } from "@banyan/neopay-webhooks";

/** What the provider of the journeys signs with. */
export const providerSecret = "journey-provider-secret";

/** Everything that money passes on its way to a merchant's bank. Merchants' servers are on this machine here. */
export const moneyServices = [
  ledgerService,
  statementsService,
  reconciliationService,
  payoutsService,
  fxService,
  createWebhooksService({
    allowedHosts: ["127.0.0.1"],
    providers: { stripe: { scheme: "stripe", secrets: [providerSecret] } },
  }),
] as const;
