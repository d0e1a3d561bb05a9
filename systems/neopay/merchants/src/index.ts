export { identifyMerchant } from "./key/identify-merchant.ts";
export { merchantsService } from "./service.ts";
