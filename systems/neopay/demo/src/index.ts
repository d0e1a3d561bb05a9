export { showMerchantDay } from "./live-day.ts";
export { playMerchantDay } from "./merchant-day.ts";
