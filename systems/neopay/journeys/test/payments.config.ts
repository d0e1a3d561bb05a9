import { defineConfig } from "@banyan/cli";
import { createKeyAuthenticator } from "@banyan/gateway";
import { ledgerService } from "@banyan/neopay-ledger";
import { identifyMerchant, merchantsService } from "@banyan/neopay-merchants";
import { createPaymentsService } from "@banyan/neopay-payments";
import { webhooksService } from "./money-services.ts";

// biome-ignore lint/style/noProcessEnv: a configuration is part of a program
const { ACQUIRER_URL: url = "" } = process.env;

/** Ledger, merchants, payments, webhooks and the gateway, a process each. */
export default defineConfig({
  title: "NeoPay's payments",
  services: [
    ledgerService,
    merchantsService,
    createPaymentsService({ acquirer: { url, timeoutMs: 500 } }),
    webhooksService,
  ],
  authenticators: async (call) => [createKeyAuthenticator((keyHash) => identifyMerchant(call, keyHash))],
});
