import { defineConfig } from "@banyan/cli";
import { createKeyAuthenticator } from "@banyan/gateway";
import { fxService } from "@banyan/neopay-fx";
import { neopayImporters } from "@banyan/neopay-imports";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { identifyMerchant, merchantsService } from "@banyan/neopay-merchants";
import { createPaymentsService } from "@banyan/neopay-payments";
import { payoutsService } from "@banyan/neopay-payouts";
import { reconciliationService } from "@banyan/neopay-reconciliation";
import { statementsService } from "@banyan/neopay-statements";
import { createWebhooksService } from "@banyan/neopay-webhooks";

const { STRIPE_WEBHOOK_SECRETS, RAZORPAY_WEBHOOK_SECRETS, WEBHOOK_ALLOWED_HOSTS, ACQUIRER_URL } = process.env;

/** Without their secrets providers are unknown, and nothing private is called: both are what a deployment says. */
const webhooksService = createWebhooksService({
  providers: {
    ...(STRIPE_WEBHOOK_SECRETS && { stripe: { scheme: "stripe", secrets: STRIPE_WEBHOOK_SECRETS.split(",") } }),
    ...(RAZORPAY_WEBHOOK_SECRETS && { razorpay: { scheme: "razorpay", secrets: RAZORPAY_WEBHOOK_SECRETS.split(",") } }),
  },
  allowedHosts: WEBHOOK_ALLOWED_HOSTS?.split(",") ?? [],
});

/** Cards alone need an acquirer: `npm run acquirer` is one. */
const acquirerUrl = ACQUIRER_URL ?? "http://127.0.0.1:4310";
const paymentsService = createPaymentsService({ acquirer: { url: acquirerUrl } });

/** NeoPay: every service in one process. */
export default defineConfig({
  title: "NeoPay",
  version: "0.1.0",
  services: [
    ledgerService,
    merchantsService,
    paymentsService,
    statementsService,
    reconciliationService,
    payoutsService,
    fxService,
    webhooksService,
  ],
  authenticators: async (call) => [createKeyAuthenticator((keyHash) => identifyMerchant(call, keyHash))],
  importers: neopayImporters,
  checks: [ledger.verify],
  demo: async (call) => (await import("@banyan/neopay-demo")).playMerchantDay(call),
  demos: {
    neopay: {
      summary: "A merchant's day, from order to payout",
      run: async (run) => {
        const [{ showMerchantDay }, { spawnAcquirer }] = await Promise.all([
          import("@banyan/neopay-demo"),
          import("@banyan/neopay-acquirer"),
        ]);
        await showMerchantDay(run, { url: acquirerUrl, open: spawnAcquirer });
      },
    },
  },
  examples: ({ url, key }) => [
    `curl -H "Authorization: Bearer ${key}" ${url}/v1/accounts/merchants:acme:settlement/entries`,
    `npx banyan call reconciliation.run '{}'`,
    "npx banyan demo neopay",
    "npx banyan verify",
  ],
});
