import { defineConfig } from "@banyan/cli";
import { moneyServices } from "./money-services.ts";

/** Ledger and exchange, what the bank says, what merchants hear, and the gateway: four processes. */
export default defineConfig({
  title: "NeoPay's money",
  services: [...moneyServices],
  processes: {
    books: { services: ["ledger", "fx"] },
    bank: { services: ["statements", "reconciliation", "payouts"] },
    outside: { services: ["webhooks"] },
  },
});
