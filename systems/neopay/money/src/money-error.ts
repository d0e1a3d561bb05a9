/** Why an amount or a currency was refused. */
export type MoneyErrorCode =
  | "currencyUnknown"
  | "amountMalformed"
  | "amountTooPrecise"
  | "amountTooLarge"
  | "weightsInvalid";

/** A refused amount or currency. `value` is the text as it was given, so that a report can quote it. */
export class MoneyError extends Error {
  override readonly name = "MoneyError";
  readonly code: MoneyErrorCode;
  readonly value: string;

  constructor(code: MoneyErrorCode, value: string, message: string) {
    super(message);
    this.code = code;
    this.value = value;
  }
}

/** Shortens what a stranger sent, so that an error message stays readable and bounded. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
