import { basename } from "node:path";
import { type InitiatedPayment, ParseError, parsePain001 } from "@banyan/neopay-bank-files";
import { ledgerAddressOf } from "@banyan/neopay-reconciliation/contract";
import { type BulkTransaction, chunkSize, openAccounts, postInBulk } from "./post-in-bulk.ts";
import { type ImportRun, readDocument, totalBytes } from "./read-file.ts";
import { emptyReport, type ImportReport, reasonOf, refuse } from "./report.ts";

/**
 * Posts the payments of pain.001 messages from the mirror of the debtor's account, `bank:<account>`, to the outside of
 * their currency, `world:bank:<currency>`. A payment is known by its message and its place in it, so that a second run
 * finds duplicates only. Its EndToEndId is kept, for the statement that will repeat it.
 */
export async function importPain001({ files, call, progress, signal }: ImportRun): Promise<ImportReport> {
  const report = emptyReport();
  const total = await totalBytes(files);
  let doneBytes = 0;
  for (const file of files) {
    const { payments, problems } = await readPayments(file, signal);
    for (const problem of problems) refuse(report, `${basename(file)}: ${reasonOf(problem)}`);
    await openAccounts(call, new Map(payments.flatMap(accountsOf)));
    while (payments.length > 0) {
      signal.throwIfAborted();
      await postInBulk(call, payments.splice(0, chunkSize).map(toTransaction), report);
    }
    doneBytes += await totalBytes([file]);
    progress(doneBytes, total);
  }
  return report;
}

async function readPayments(
  file: string,
  signal: AbortSignal,
): Promise<Pick<ReturnType<typeof parsePain001>, "payments" | "problems">> {
  try {
    return parsePain001(await readDocument(file, signal));
  } catch (error) {
    if (error instanceof ParseError) return { payments: [], problems: [error.problem(null)] };
    throw error;
  }
}

const outsideOf = ({ currency }: InitiatedPayment): string => `world:bank:${currency}`;

function accountsOf(payment: InitiatedPayment): [string, string][] {
  return [ledgerAddressOf(payment.debtor.account), outsideOf(payment)].map((address) => [address, payment.currency]);
}

function toTransaction(payment: InitiatedPayment): BulkTransaction {
  const { amountMinor, currency, endToEndId, instructionId, uetr, debtor, creditor } = payment;
  const remittance = payment.remittance.join("; ");
  const told = {
    endToEndId,
    instructionId,
    uetr,
    debtor: debtor.name,
    creditor: creditor.name,
    creditorAccount: creditor.account,
    remittance,
  };
  return {
    reference: `pain001:${payment.messageId}:${payment.position}`,
    postings: [{ source: ledgerAddressOf(debtor.account), destination: outsideOf(payment), amountMinor, currency }],
    ...(payment.requestedOn && { effectiveAt: `${payment.requestedOn}T00:00:00Z` }),
    metadata: Object.fromEntries(
      Object.entries(told).flatMap(([key, value]) => (value ? [[key, printable(value)]] : [])),
    ),
  };
}

/** As the ledger keeps texts: on one line, of at most 1,000 characters. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, 1_000);
}
