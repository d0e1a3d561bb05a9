import { defineConfig } from "@banyan/cli";
import { neopayImporters } from "@banyan/neopay-imports";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { reconciliationService } from "@banyan/neopay-reconciliation";
import { statementsService } from "@banyan/neopay-statements";

/** NeoPay: every service in one process. */
export default defineConfig({
  title: "NeoPay",
  version: "0.1.0",
  services: [ledgerService, statementsService, reconciliationService],
  importers: neopayImporters,
  checks: [ledger.verify],
  demo: async (call) => (await import("@banyan/neopay-demo")).playMerchantDay(call),
  examples: ({ url, key }) => [
    `curl -H "Authorization: Bearer ${key}" ${url}/v1/accounts/merchants:acme:settlement/entries`,
    `npx banyan call reconciliation.run '{}'`,
    "npx banyan verify",
  ],
});
