export { createPaymentsService, paymentsOver } from "./service.ts";
