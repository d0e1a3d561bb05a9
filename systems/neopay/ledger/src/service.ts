import { implement } from "@banyan/kernel";
import { accountDay } from "./account/account-day.ts";
import { closeAccount } from "./account/close-account.ts";
import { listEntries } from "./account/list-entries.ts";
import { openAccount } from "./account/open-account.ts";
import { printCamt053, printCsv } from "./account/print-statement.ts";
import { listAccounts, readAccount } from "./account/read-account.ts";
import { readBalance } from "./account/read-balance.ts";
import { readTrialBalance } from "./audit/read-trial-balance.ts";
import { sealTransactions } from "./audit/seal-transactions.ts";
import { verifyLedger } from "./audit/verify-ledger.ts";
import { ledger } from "./contract.ts";
import { commitHold } from "./hold/commit-hold.ts";
import { expireHold } from "./hold/expire-hold.ts";
import { placeHold } from "./hold/place-hold.ts";
import { readHold } from "./hold/read-hold.ts";
import { voidHold } from "./hold/void-hold.ts";
import { listMonitors, readMonitor } from "./monitor/read-monitors.ts";
import { removeMonitor } from "./monitor/remove-monitor.ts";
import { setMonitor } from "./monitor/set-monitor.ts";
import { cancelScheduled } from "./scheduled/cancel-scheduled.ts";
import { postScheduled } from "./scheduled/post-scheduled.ts";
import { listScheduled, readScheduled } from "./scheduled/read-scheduled.ts";
import { scheduleTransaction } from "./scheduled/schedule-transaction.ts";
import { postBulk } from "./transaction/post-bulk.ts";
import { postTransaction } from "./transaction/post-transaction.ts";
import { readTransaction, readTransactionByReference } from "./transaction/read-transaction.ts";
import { revertTransaction } from "./transaction/revert-transaction.ts";

/** The ledger, ready for an application; needs a store on Postgres. */
export const ledgerService = implement(ledger, {
  migrations: new URL("../sql/", import.meta.url),
  commands: {
    openAccount,
    closeAccount,
    post: postTransaction,
    postBulk,
    revert: revertTransaction,
    placeHold,
    commitHold,
    voidHold,
    schedule: scheduleTransaction,
    cancelScheduled,
    setMonitor,
    removeMonitor,
  },
  queries: {
    account: readAccount,
    accounts: listAccounts,
    balance: readBalance,
    entries: listEntries,
    statementCamt053: printCamt053,
    statementCsv: printCsv,
    transaction: readTransaction,
    transactionByReference: readTransactionByReference,
    hold: readHold,
    scheduledTransaction: readScheduled,
    scheduledTransactions: listScheduled,
    monitor: readMonitor,
    monitors: listMonitors,
    trialBalance: readTrialBalance,
    verify: verifyLedger,
  },
  projections: { accountDay },
  jobs: { seal: sealTransactions, expireHold, postScheduled },
});
