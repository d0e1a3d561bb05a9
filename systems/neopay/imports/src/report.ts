import type { ParseProblem } from "@banyan/neopay-bank-files";

/** Where the bank's own figures do not add up. The records were imported all the same. */
export type ImportBreak =
  | {
      kind: "balanceDrift";
      account: string;
      day: string;
      /** The balance that the bank states for the end of the day. */
      bankMinor: number;
      /** What the file's amounts lead to since the account's first day. */
      computedMinor: number;
      /** What the drift grew by on this day; `bankMinor` - `computedMinor` is what it has grown to. */
      driftMinor: number;
    }
  | { kind: "statementDoesNotTie"; account: string; statementId: string; breakMinor: number | null; tieReason: string };

/** What became of every record of the files: received = accepted + duplicate + refused. */
export type ImportReport = {
  received: number;
  accepted: number;
  duplicate: number;
  refused: number;
  /** Why records were refused, and how many for each reason. At most 100 reasons; what is beyond is counted together. */
  reasons: Record<string, number>;
  breaks: ImportBreak[];
};

const reasonsMax = 100;
const beyond = "further reasons";

export function emptyReport(): ImportReport {
  return { received: 0, accepted: 0, duplicate: 0, refused: 0, reasons: {}, breaks: [] };
}

/** Counts one refused record under its reason. */
export function refuse(report: ImportReport, reason: string): void {
  const isKnown = Object.hasOwn(report.reasons, reason);
  const key = isKnown || Object.keys(report.reasons).length < reasonsMax ? reason : beyond;
  report.received += 1;
  report.refused += 1;
  report.reasons[key] = (report.reasons[key] ?? 0) + 1;
}

/** A problem as a reason: the line and the place first, as a compiler would say it. */
export function reasonOf({ line, at, statementId, reason }: ParseProblem): string {
  const place = [line === null ? null : `line ${line}`, statementId, at].filter((part) => part !== null).join(", ");
  return place ? `${place}: ${reason}` : reason;
}
