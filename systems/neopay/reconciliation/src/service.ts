import { implement, on, onMany } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { statements } from "@banyan/neopay-statements/contract";
import { reconciliation } from "./contract.ts";
import { findRun, listBreaks, listMatches, listQueue } from "./read-reconciliation.ts";
import { runReconciliation } from "./run-reconciliation.ts";
import { takeBulkPostings, takePostings } from "./take-posting.ts";
import { takeStatement } from "./take-statement.ts";

/** Reconciliation on what the events of the ledger and of the statements brought. */
export const reconciliationService = implement(reconciliation, {
  migrations: new URL("../sql/", import.meta.url),
  after: [ledger, statements],
  commands: { run: runReconciliation },
  queries: { findRun, breaks: listBreaks, queue: listQueue, matches: listMatches },
  projections: {
    // What was matched and what broke is kept beside it, so that a rebuild forgets nothing.
    items: {
      folds: [
        onMany(ledger.posted, takePostings),
        onMany(ledger.bulkPosted, takeBulkPostings),
        on(statements.imported, takeStatement),
      ],
      reset: (sql) => sql`TRUNCATE reconciliation.item, reconciliation.statement`,
    },
  },
});
