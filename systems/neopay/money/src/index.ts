export { allocate } from "./allocate.ts";
export { amountMinorMax, formatMinor, parseDecimal } from "./amount.ts";
export {
  type Currency,
  currencies,
  currencyOf,
  isCurrencyCode,
} from "./currency.ts";
export { type FeePlan, feeOf, feeOfPart, feePlan, shareFee } from "./fee.ts";
export { MoneyError, type MoneyErrorCode } from "./money-error.ts";
export {
  accountAddress,
  addressCharsMax,
  amountMinor,
  balanceMinor,
  currencyCode,
} from "./schemas.ts";
