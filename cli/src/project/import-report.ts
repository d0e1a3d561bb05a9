/** What an import did: received = accepted + duplicate + refused. */
export interface ImportReport {
  readonly received: number;
  readonly accepted: number;
  readonly duplicate: number;
  readonly refused: number;
  /** Why records were refused, and how many for each reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Where the sender's own figures do not add up; these records were accepted. */
  readonly breaks?: readonly unknown[];
}
