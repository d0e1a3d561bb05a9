import { type BerkaRow, ParseError, readBerka } from "@banyan/neopay-bank-files";
import { createDayBalances } from "./day-balances.ts";
import { type BulkTransaction, type Call, chunkSize, openAccounts, postInBulk } from "./post-in-bulk.ts";
import { type ImportRun, readPieces, totalBytes } from "./read-file.ts";
import { emptyReport, type ImportReport, reasonOf, refuse } from "./report.ts";

const outside = "world:berka";

/**
 * Posts the transactions of the Berka bank (PKDD'99): account N is `berka:N` in CZK, the day is `effectiveAt`, the other
 * side is `world:berka`. A row is known by its `trans_id`, so that a second run finds duplicates only. Where the bank's own
 * balance does not follow from the amounts at the end of a day, the report has a break.
 */
export async function importBerka({ files, call, progress, signal }: ImportRun): Promise<ImportReport> {
  const report = emptyReport();
  const total = await totalBytes(files);
  const balances = createDayBalances();
  const opened = new Set<string>();
  let doneBytes = 0;
  const rows: BerkaRow[] = [];
  let finishBefore = async (): Promise<void> => {};
  // Two chunks are under way at a time: one is written out and read back while the database works on the other.
  const post = async (): Promise<void> => {
    signal.throwIfAborted();
    const chunk = rows.splice(0, chunkSize);
    await openNew(call, chunk, opened);
    const posting = postInBulk(call, chunk.map(toTransaction), report);
    // Thrown where it is awaited, which never comes when the chunk before has failed.
    posting.catch(() => {});
    await finishBefore();
    finishBefore = async () => {
      const held = await posting;
      for (const [at, row] of chunk.entries()) if (held[at]) balances.add(row);
    };
  };
  for (const file of files) {
    const pieces = readPieces(file, signal, (bytes) => {
      doneBytes += bytes;
    });
    try {
      for await (const batch of readBerka(pieces)) {
        for (const problem of batch.problems) refuse(report, reasonOf(problem));
        rows.push(...batch.rows);
        while (rows.length >= chunkSize) await post();
        progress(doneBytes, total);
      }
    } catch (error) {
      // What is no table of the bank, or stops being one, ends the file; what came before it counts.
      if (!(error instanceof ParseError)) throw error;
      refuse(report, reasonOf(error.problem(null)));
    }
    while (rows.length > 0) await post();
  }
  await finishBefore();
  report.breaks = balances.drifts();
  return report;
}

async function openNew(call: Call, rows: readonly BerkaRow[], opened: Set<string>): Promise<void> {
  const wanted = [outside, ...rows.map(({ account }) => `berka:${account}`)].filter((address) => !opened.has(address));
  await openAccounts(call, new Map(wanted.map((address) => [address, "CZK"])));
  for (const address of wanted) opened.add(address);
}

function toTransaction(row: BerkaRow): BulkTransaction {
  const address = `berka:${row.account}`;
  const [source, destination] = row.direction === "credit" ? [outside, address] : [address, outside];
  const { operation, symbol, counterBank, counterAccount } = row;
  const told = Object.entries({ operation, symbol, counterBank, counterAccount }).filter(([, value]) => value !== null);
  return {
    reference: `berka:${row.transactionId}`,
    postings: [{ source, destination, amountMinor: row.amountMinor, currency: "CZK" }],
    effectiveAt: `${row.day}T00:00:00Z`,
    metadata: Object.fromEntries(told) as Record<string, string>,
  };
}
