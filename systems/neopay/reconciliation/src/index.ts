export { reconciliationService } from "./service.ts";
