export { type Call, playMerchantDay } from "./merchant-day.ts";
