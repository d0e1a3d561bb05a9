import { defineConfig } from "@banyan/cli";
import { ledgerService } from "@banyan/neopay-ledger";
import { payoutsService } from "@banyan/neopay-payouts";
import { reconciliationService } from "@banyan/neopay-reconciliation";
import { statementsService } from "@banyan/neopay-statements";

/** Ledger alone, the books together, the gateway apart: three processes. */
export default defineConfig({
  title: "NeoPay's journeys",
  services: [ledgerService, statementsService, reconciliationService, payoutsService],
  processes: { books: { services: ["statements", "reconciliation", "payouts"] } },
});
