export { createPaymentsService } from "./service.ts";
