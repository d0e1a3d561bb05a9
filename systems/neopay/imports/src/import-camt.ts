import { basename } from "node:path";
import { ParseError } from "@banyan/neopay-bank-files";
import { documentCharsMax, type Imported, statements } from "@banyan/neopay-statements/contract";
import { retried } from "./post-in-bulk.ts";
import { type ImportRun, readDocument, totalBytes } from "./read-file.ts";
import { emptyReport, type ImportReport, reasonOf, refuse } from "./report.ts";

/**
 * Imports bank statements; each statement of a file counts as one record. A broken one is refused with its line and
 * element and the others are kept; one that does not tie is accepted with a break.
 */
export async function importCamt({ files, call, progress, signal }: ImportRun): Promise<ImportReport> {
  const report = emptyReport();
  const total = await totalBytes(files);
  let doneBytes = 0;
  for (const file of files) {
    signal.throwIfAborted();
    const refuseFile = (reason: string): void => refuse(report, `${basename(file)}: ${reason}`);
    try {
      const content = await readDocument(file, signal);
      if (content.length === 0 || content.length > documentCharsMax) {
        refuseFile(`the file has ${content.length} characters, of 1 to ${documentCharsMax}`);
      } else {
        const imported = await retried((idempotencyKey) =>
          call(statements.import, { content }, { idempotencyKey, deadlineMs: 60_000 }),
        );
        for (const statement of imported.statements) count(statement, report);
        for (const problem of imported.problems) refuseFile(reasonOf(problem));
      }
    } catch (error) {
      if (error instanceof ParseError) refuseFile(reasonOf(error.problem(null)));
      else if (statements.faults.unreadable.is(error))
        for (const problem of error.details.problems) refuseFile(reasonOf(problem));
      else throw error;
    }
    doneBytes += await totalBytes([file]);
    progress(doneBytes, total);
  }
  return report;
}

function count(statement: Imported, report: ImportReport): void {
  const { account, statementId, breakMinor, tieReason, ties, duplicate } = statement;
  report.received += 1;
  if (duplicate) report.duplicate += 1;
  else report.accepted += 1;
  if (ties === false) report.breaks.push({ kind: "statementDoesNotTie", account, statementId, breakMinor, tieReason });
}
