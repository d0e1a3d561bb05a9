export { ledgerService } from "./service.ts";
