import { command, defineContract, event, fault, job, query } from "@banyan/kernel";
import { balanceMinor } from "@banyan/neopay-money";
import * as z from "zod";
import {
  Account,
  AccountPage,
  AtAccount,
  Balance,
  BalanceAt,
  Document,
  EntryPage,
  ListAccounts,
  ListEntries,
  OpenAccount,
  StatementSpan,
} from "./account/schemas.ts";
import { TrialBalance, Verification } from "./audit/schemas.ts";
import { AtHold, CommitHold, Hold, PlaceHold } from "./hold/schemas.ts";
import { AtMonitor, BalanceCrossed, ListMonitors, Monitor, MonitorPage, SetMonitor } from "./monitor/schemas.ts";
import {
  AtScheduled,
  ListScheduled,
  ScheduledPage,
  ScheduledTransaction,
  ScheduleTransaction,
} from "./scheduled/schemas.ts";
import {
  BulkAnswer,
  BulkPosted,
  PostBulk,
  PostTransaction,
  Reverted,
  RevertTransaction,
  reference,
  Transaction,
} from "./transaction/schemas.ts";

/** Ended by every command that moves the account, in its own process; another one may answer this much behind. */
const cachedByAccount = { ttlMs: 1_000, tags: ({ address }: { readonly address: string }) => [address] };

const ofAccount = z.object({ account: z.string() });
const ofTransaction = z.object({ transaction: z.string() });

/** What refuses a transaction, wherever it comes from. */
const postingFaults = [
  "duplicateReference",
  "accountNotFound",
  "accountClosed",
  "currencyMismatch",
  "selfTransfer",
  "insufficientFunds",
  "amountOverflow",
] as const;

/**
 * The double-entry ledger: every movement debits a source and credits a destination, so that per currency debits equal
 * credits at any time. Transactions are never changed; a correction is a new one.
 */
export const ledger = defineContract("ledger", {
  faults: {
    /**
     * Nothing was posted: the reference is that of an earlier transaction, hold or scheduled transaction; a monitor's that of another
     * monitor. `sameContent` tells a repetition from a clash.
     */
    duplicateReference: fault(
      "conflict",
      z.object({ reference: z.string(), existingId: z.string(), sameContent: z.boolean() }),
      { message: ({ reference, existingId }) => `the reference ${reference} was used before, by ${existingId}` },
    ),
    accountNotFound: fault("not_found", ofAccount, {
      message: ({ account }) => `there is no account ${account}; open it first`,
    }),
    accountExists: fault("conflict", ofAccount, { message: ({ account }) => `the account ${account} is open already` }),
    accountClosed: fault("conflict", ofAccount, { message: ({ account }) => `the account ${account} is closed` }),
    /** Only an account without balance and holds can be closed. */
    accountNotEmpty: fault(
      "conflict",
      z.object({ account: z.string(), balanceMinor, pendingDebitMinor: z.int(), pendingCreditMinor: z.int() }),
      { message: ({ account }) => `the account ${account} has a balance or holds; move them first` },
    ),
    /** A posting's currency must be that of both its accounts. */
    currencyMismatch: fault("conflict", ofAccount, {
      message: ({ account }) => `the account ${account} is kept in another currency`,
    }),
    selfTransfer: fault("invalid", ofAccount, {
      message: ({ account }) => `a posting from ${account} to itself moves nothing`,
    }),
    /** The source would fall below its floor. Nothing was posted. `availableMinor` is what it had before. */
    insufficientFunds: fault("conflict", z.object({ account: z.string(), availableMinor: balanceMinor }), {
      message: ({ account, availableMinor }) => `the account ${account} has ${availableMinor} minor units available`,
    }),
    /** All that ever went into or out of an account must stay below 2^53 minor units. */
    amountOverflow: fault("conflict", ofAccount, {
      message: ({ account }) => `the volume of ${account} would exceed 2^53-1 minor units; go on with a new account`,
    }),
    /** Nothing was written. */
    statementTooLong: fault("invalid", z.object({ account: z.string(), entryCount: z.int(), entriesMax: z.int() }), {
      message: ({ account, entryCount, entriesMax }) =>
        `${account} has ${entryCount} entries from \`from\` to \`to\`, and a statement at most ${entriesMax}; ask for fewer days`,
    }),
    transactionNotFound: fault("not_found", ofTransaction, {
      message: ({ transaction }) => `there is no transaction ${transaction}`,
    }),
    alreadyReverted: fault("conflict", z.object({ transaction: z.string(), revertedById: z.string() }), {
      message: ({ transaction, revertedById }) => `${transaction} was reverted before, by ${revertedById}`,
    }),
    holdNotFound: fault("not_found", z.object({ hold: z.string() }), {
      message: ({ hold }) => `there is no hold ${hold}`,
    }),
    /** It was committed, voided or has expired. */
    holdNotActive: fault(
      "conflict",
      z.object({ hold: z.string(), status: z.enum(["committed", "voided", "expired"]) }),
      {
        message: ({ hold, status }) => `the hold ${hold} is ${status}`,
      },
    ),
    holdExceeded: fault("conflict", z.object({ hold: z.string(), heldMinor: z.int() }), {
      message: ({ hold, heldMinor }) => `the hold ${hold} is of ${heldMinor} minor units; no more can be committed`,
    }),
    /** The expiry lies in the past. */
    holdExpiryPast: fault("invalid", z.object({ expiresAt: z.string() }), {
      message: ({ expiresAt }) => `expiresAt ${expiresAt} has passed; send a later one, or none`,
    }),
    scheduledNotFound: fault("not_found", z.object({ scheduled: z.string() }), {
      message: ({ scheduled }) => `there is no scheduled transaction ${scheduled}`,
    }),
    /** It was posted, refused or canceled. */
    scheduledEnded: fault(
      "conflict",
      z.object({ scheduled: z.string(), status: ScheduledTransaction.shape.status.exclude(["scheduled"]) }),
      { message: ({ scheduled, status }) => `the scheduled transaction ${scheduled} is ${status}` },
    ),
    monitorNotFound: fault("not_found", z.object({ monitor: z.string() }), {
      message: ({ monitor }) => `there is no monitor ${monitor}`,
    }),
    tooManyMonitors: fault("conflict", z.object({ account: z.string(), monitorsMax: z.int() }), {
      message: ({ account, monitorsMax }) => `${account} has ${monitorsMax} monitors; remove one that is not needed`,
    }),
  },
  commands: {
    openAccount: command({
      summary: "Opens an account; empty, and without a floor only where floorMinor is null",
      input: OpenAccount,
      output: Account,
      faults: ["accountExists"],
      http: "POST /v1/accounts",
      httpStatus: 201,
      access: "ledger:write",
    }),
    closeAccount: command({
      summary: "Closes an empty account for good",
      input: AtAccount,
      output: Account,
      faults: ["accountNotFound", "accountNotEmpty"],
      http: "POST /v1/accounts/:address/close",
      access: "ledger:write",
    }),
    post: command({
      summary: "Posts every leg of a transaction or none",
      input: PostTransaction,
      output: Transaction,
      faults: postingFaults,
      http: "POST /v1/ledger/transactions",
      httpStatus: 201,
      access: "ledger:write",
    }),
    postBulk: command({
      summary: "Posts up to 5,000 transactions, each with its own result, or all or none",
      input: PostBulk,
      output: BulkAnswer,
      http: "POST /v1/ledger/transactions/bulk",
      access: "ledger:write",
    }),
    revert: command({
      summary: "Posts the mirror of a transaction; at most once",
      input: RevertTransaction,
      output: Transaction,
      faults: [...postingFaults, "transactionNotFound", "alreadyReverted"],
      http: "POST /v1/ledger/transactions/:id/revert",
      httpStatus: 201,
      access: "ledger:write",
    }),
    placeHold: command({
      summary: "Sets money of the source aside for the destination",
      input: PlaceHold,
      output: Hold,
      faults: [...postingFaults, "holdExpiryPast"],
      http: "POST /v1/ledger/holds",
      httpStatus: 201,
      access: "ledger:write",
    }),
    commitHold: command({
      summary: "Posts all or part of a hold, to one account or split over several; the rest is released, or held on",
      input: CommitHold,
      output: Hold,
      faults: [...postingFaults, "holdNotFound", "holdNotActive", "holdExceeded"],
      http: "POST /v1/ledger/holds/:id/commit",
      access: "ledger:write",
    }),
    voidHold: command({
      summary: "Releases a hold without posting",
      input: AtHold,
      output: Hold,
      faults: ["holdNotFound", "holdNotActive"],
      http: "POST /v1/ledger/holds/:id/void",
      access: "ledger:write",
    }),
    schedule: command({
      summary: "Has a transaction posted at a later time, by the rules of then",
      input: ScheduleTransaction,
      output: ScheduledTransaction,
      faults: ["duplicateReference"],
      http: "POST /v1/ledger/scheduled",
      httpStatus: 201,
      access: "ledger:write",
    }),
    cancelScheduled: command({
      summary: "Cancels a scheduled transaction before it is posted",
      input: AtScheduled,
      output: ScheduledTransaction,
      faults: ["scheduledNotFound", "scheduledEnded"],
      http: "POST /v1/ledger/scheduled/:id/cancel",
      access: "ledger:write",
    }),
    setMonitor: command({
      summary: "Has every transaction told that takes an account's balance below or above a threshold",
      input: SetMonitor,
      output: Monitor,
      faults: ["accountNotFound", "accountClosed", "duplicateReference", "tooManyMonitors"],
      http: "POST /v1/ledger/monitors",
      httpStatus: 201,
      access: "ledger:write",
    }),
    removeMonitor: command({
      summary: "Removes a monitor; its reference is free again",
      input: AtMonitor,
      output: Monitor,
      faults: ["monitorNotFound"],
      http: "POST /v1/ledger/monitors/:id/remove",
      access: "ledger:write",
    }),
  },
  queries: {
    account: query({
      summary: "An account with what it holds now",
      input: AtAccount,
      output: Account,
      faults: ["accountNotFound"],
      http: "GET /v1/accounts/:address",
      access: "ledger:read",
      cache: cachedByAccount,
    }),
    accounts: query({
      summary: "Accounts by address, from a prefix",
      input: ListAccounts,
      output: AccountPage,
      http: "GET /v1/accounts",
      access: "ledger:read",
    }),
    balance: query({
      summary: "The balance now, at an instant or at the end of a day, by effectiveAt",
      input: BalanceAt,
      output: Balance,
      faults: ["accountNotFound"],
      http: "GET /v1/accounts/:address/balance",
      access: "ledger:read",
      cache: cachedByAccount,
    }),
    entries: query({
      summary: "What moved an account, newest last, with the running balance",
      input: ListEntries,
      output: EntryPage,
      faults: ["accountNotFound"],
      http: "GET /v1/accounts/:address/entries",
      access: "ledger:read",
    }),
    statementCamt053: query({
      summary: "The account's statement by effectiveAt, from one day to another (UTC): ISO 20022 camt.053.001.08",
      input: StatementSpan,
      output: Document,
      faults: ["accountNotFound", "statementTooLong"],
      http: "GET /v1/accounts/:address/statement/camt053",
      httpAnswer: { field: "content", contentType: "application/xml; charset=utf-8" },
      access: "ledger:read",
    }),
    statementCsv: query({
      summary: "The same statement as CSV, as `POST /v1/statements` reads it",
      input: StatementSpan,
      output: Document,
      faults: ["accountNotFound", "statementTooLong"],
      http: "GET /v1/accounts/:address/statement/csv",
      httpAnswer: { field: "content", contentType: "text/csv; charset=utf-8" },
      access: "ledger:read",
    }),
    transaction: query({
      summary: "A transaction by its id",
      input: z.strictObject({ id: z.uuid() }),
      output: Transaction,
      faults: ["transactionNotFound"],
      http: "GET /v1/ledger/transactions/:id",
      access: "ledger:read",
    }),
    transactionByReference: query({
      summary: "A transaction by its reference",
      input: z.strictObject({ reference }),
      output: Transaction,
      faults: ["transactionNotFound"],
      http: "GET /v1/ledger/transactions/by-reference/:reference",
      access: "ledger:read",
    }),
    hold: query({
      summary: "A hold by its id",
      input: AtHold,
      output: Hold,
      faults: ["holdNotFound"],
      http: "GET /v1/ledger/holds/:id",
      access: "ledger:read",
    }),
    scheduledTransaction: query({
      summary: "A scheduled transaction by its id, with what became of it",
      input: AtScheduled,
      output: ScheduledTransaction,
      faults: ["scheduledNotFound"],
      http: "GET /v1/ledger/scheduled/:id",
      access: "ledger:read",
    }),
    scheduledTransactions: query({
      summary: "Scheduled transactions, all or those of one status",
      input: ListScheduled,
      output: ScheduledPage,
      http: "GET /v1/ledger/scheduled",
      access: "ledger:read",
    }),
    monitor: query({
      summary: "A monitor by its id, and where the balance stands",
      input: AtMonitor,
      output: Monitor,
      faults: ["monitorNotFound"],
      http: "GET /v1/ledger/monitors/:id",
      access: "ledger:read",
    }),
    monitors: query({
      summary: "Monitors, of one account or of all",
      input: ListMonitors,
      output: MonitorPage,
      http: "GET /v1/ledger/monitors",
      access: "ledger:read",
    }),
    trialBalance: query({
      summary: "Per currency the sum of all debits and of all credits",
      input: z.strictObject({}),
      output: TrialBalance,
      http: "GET /v1/ledger/trial-balance",
      access: "ledger:read",
    }),
    verify: query({
      summary: "Recomputes every balance from its postings and every seal from the stored rows",
      input: z.strictObject({}),
      output: Verification,
      http: "GET /v1/ledger/verify",
      access: "ledger:read",
    }),
  },
  events: {
    accountOpened: event({ data: Account, key: ({ address }) => address }),
    accountClosed: event({ data: Account, key: ({ address }) => address }),
    /** A transaction that was not posted in bulk, a revert, a committed hold and a scheduled one included; in commit order per source of the first posting. */
    posted: event({ data: Transaction, key: ({ postings }) => postings[0]?.source ?? "" }),
    /**
     * Transactions of a bulk call, each told here and not by `posted`; bulk calls in commit order. Between an account's singly posted
     * transactions and these, `seq` is the order.
     */
    bulkPosted: event({ data: BulkPosted, key: () => "bulk" }),
    /** Says of the older transaction that another one now mirrors it; that one has its own `posted`. */
    reverted: event({ data: Reverted, key: ({ id }) => id }),
    holdPlaced: event({ data: Hold, key: ({ id }) => id }),
    holdCommitted: event({ data: Hold, key: ({ id }) => id }),
    holdVoided: event({ data: Hold, key: ({ id }) => id }),
    holdExpired: event({ data: Hold, key: ({ id }) => id }),
    scheduled: event({ data: ScheduledTransaction, key: ({ id }) => id }),
    scheduledCanceled: event({ data: ScheduledTransaction, key: ({ id }) => id }),
    /** Its time came, and nothing was posted; `posted` tells of those that were. */
    scheduledRefused: event({ data: ScheduledTransaction, key: ({ id }) => id }),
    monitorSet: event({ data: Monitor, key: ({ account }) => account }),
    /** Nothing is told of it any more. */
    monitorRemoved: event({ data: Monitor, key: ({ account }) => account }),
    /** In the commit of the transaction that crossed, once for each monitor; of an account in the order of its transactions. */
    balanceCrossed: event({ data: BalanceCrossed, key: ({ account }) => account }),
  },
  jobs: {
    /** Adds what was posted since to the hash chain. */
    seal: job({ input: z.strictObject({}), schedule: { everyMs: 3_000 } }),
    /** Releases one hold at its expiry. */
    expireHold: job({ input: AtHold }),
    /** Posts one scheduled transaction when it is due. */
    postScheduled: job({ input: AtScheduled }),
  },
});
