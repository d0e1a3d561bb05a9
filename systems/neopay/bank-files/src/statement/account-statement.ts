/** One movement of an account, as the keeper of the account tells it. */
export type StatementLine = {
  /** Where it stands among all movements of the account. */
  readonly number: number;
  /** The keeper's own id of the movement; at most 35 characters. */
  readonly id: string;
  /** What the one who moved the money calls it; at most 200 characters. */
  readonly reference: string;
  /** The other account. */
  readonly counterparty: string;
  /** Positive into the account, negative out of it; never 0. */
  readonly changeMinor: number;
  /** The balance after this line, in the order of the statement. */
  readonly balanceMinor: number;
  /** YYYY-MM-DD */
  readonly on: string;
};

/** What moved an account from the beginning of one day to the end of another, to be written out. */
export type AccountStatement = {
  /** An IBAN or the keeper's own name of the account; at most 140 characters. */
  readonly account: string;
  readonly currency: string;
  /** YYYY-MM-DD, inclusive as `to` is. */
  readonly from: string;
  readonly to: string;
  readonly createdAt: Date;
  readonly openingMinor: number;
  readonly lines: readonly StatementLine[];
};

/** The same for the same days, so that a statement that is written again replaces the earlier one where it is read. */
export function statementIdOf({ from, to }: Pick<AccountStatement, "from" | "to">): string {
  return `${from}/${to}`;
}
