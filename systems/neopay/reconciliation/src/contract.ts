import { command, defineContract, event, fault, query } from "@banyan/kernel";
import { amountMinor, balanceMinor, currencyCode } from "@banyan/neopay-money";
import * as z from "zod";

const id = z.uuid();
const account = z.string().min(1).max(200);
const day = z.iso.date();
const instant = z.iso.datetime();

const Rule = z.enum(["reference", "amount"]);

/** Items that one run looks at, on each side, at most; more are reconciled in spans of days. */
export const itemsMax = 50_000;

/** One reconciliation run and what it changed. */
const Run = z.object({
  id,
  /** 1, 2, 3 … per tenant, in the order of the runs. */
  number: z.int(),
  account: z.string().nullable(),
  from: day.nullable(),
  to: day.nullable(),
  rules: z.array(Rule),
  dateWindowDays: z.int(),
  accountCount: z.int(),
  matchedCount: z.int(),
  /** Breaks that this run found for the first time. */
  openedCount: z.int(),
  resolvedCount: z.int(),
  /** Breaks of the run's accounts that were open when it ended. */
  openCount: z.int(),
  ranAt: instant,
});
export type Run = z.infer<typeof Run>;

/** What does not agree: an item of one side, a pair, a statement with itself, or the balances. */
const BreakKind = z.enum(["missingInLedger", "missingAtBank", "amountDiffers", "statementDoesNotTie", "balanceDrift"]);
export type BreakKind = z.infer<typeof BreakKind>;

/** Amounts are signed as the account sees them: a debit is negative. A side that has nothing to say is null. */
const breakFacts = {
  id,
  account: z.string(),
  kind: BreakKind,
  /** What breaks: an item, a statement, or an account's balance. */
  subject: z.string(),
  currency: currencyCode,
  bankMinor: balanceMinor.nullable(),
  ledgerMinor: balanceMinor.nullable(),
  /** Bank minus ledger; null when it cannot be told. */
  differenceMinor: balanceMinor.nullable(),
  day,
  references: z.array(z.string()),
};
/** Something that does not agree, with its age. */
const Break = z.object({
  ...breakFacts,
  status: z.enum(["open", "resolved"]),
  openedAt: instant,
  resolvedAt: instant.nullable(),
  /** Whole days since the break was found, until now or until it was resolved. */
  ageDays: z.int(),
});
export type Break = z.infer<typeof Break>;

const page = { after: z.int().min(0).default(0), limit: z.int().min(1).max(1_000).default(100) };
const breaks = z.object({ breaks: z.array(Break), next: z.int().nullable() });

/** Holds the ledger against the bank's statements. A bank account `X` is mirrored by the ledger account `bank:X`. */
export const reconciliation = defineContract("reconciliation", {
  faults: {
    unknownAccount: fault("not_found", z.object({ account: z.string() }), {
      message: ({ account }) =>
        `no statement and no posting of bank:${account} has arrived; import a statement of ${account} first`,
    }),
    /** Nothing was done: postings or statements of the account are still on their way. */
    catchingUp: fault("unavailable", z.object({ account: z.string() }), {
      message: ({ account }) =>
        `not all postings and statements of ${account} have arrived yet; try again in a second, and if it stays so, rebuild reconciliation.items`,
    }),
    unknownRun: fault("not_found", z.object({ id: z.string() }), {
      message: ({ id }) => `there is no reconciliation run ${id}`,
    }),
    /** Nothing was matched. */
    tooManyItems: fault("invalid", z.object({ account: z.string(), itemsMax: z.int() }), {
      message: ({ account, itemsMax }) =>
        `${account} has more than ${itemsMax} unmatched items; name a span with from and to`,
    }),
  },
  commands: {
    /** Matches what is unmatched, opens a break for what stays so, and resolves the breaks that are explained. */
    run: command({
      summary: "Reconcile one bank account, or all",
      input: z.strictObject({
        /** The bank's account, as its statements name it; every account when absent. */
        account: account.optional(),
        from: day.optional(),
        to: day.optional(),
        /** In the order in which they are tried. */
        rules: z.array(Rule).min(1).max(2).default(["reference", "amount"]),
        /** 3: a booking on Friday may reach the bank on Monday. */
        dateWindowDays: z.int().min(0).max(31).default(3),
      }),
      output: Run,
      faults: ["unknownAccount", "tooManyItems", "catchingUp"],
      http: "POST /v1/reconciliation/runs",
      httpStatus: 201,
      access: "reconciliation:write",
    }),
  },
  queries: {
    findRun: query({
      summary: "A reconciliation run",
      input: z.strictObject({ id }),
      output: Run,
      faults: ["unknownRun"],
      http: "GET /v1/reconciliation/runs/:id",
      access: "reconciliation:read",
    }),
    /** The breaks that were open when the run ended, oldest first; resolved since, they say so. */
    breaks: query({
      summary: "The breaks that a run left open",
      input: z.strictObject({ id, kind: BreakKind.optional(), ...page }),
      output: breaks,
      faults: ["unknownRun"],
      http: "GET /v1/reconciliation/runs/:id/breaks",
      access: "reconciliation:read",
    }),
    /** Every break that is open now, oldest first: the queue to work through. */
    queue: query({
      summary: "The aged break queue",
      input: z.strictObject({
        account: account.optional(),
        kind: BreakKind.optional(),
        ageDaysMin: z.int().min(0).max(36_500).optional(),
        ...page,
      }),
      output: breaks,
      http: "GET /v1/reconciliation/breaks",
      access: "reconciliation:read",
    }),
    matches: query({
      summary: "The pairs that a run matched",
      input: z.strictObject({ id, ...page }),
      output: z.object({
        matches: z.array(
          z.object({
            id,
            rule: Rule,
            bankItem: z.string(),
            ledgerItem: z.string(),
            amountMinor: amountMinor,
            currency: currencyCode,
            bankDay: day,
            ledgerDay: day,
          }),
        ),
        next: z.int().nullable(),
      }),
      faults: ["unknownRun"],
      http: "GET /v1/reconciliation/runs/:id/matches",
      access: "reconciliation:read",
    }),
  },
  events: {
    breakOpened: event({ data: z.strictObject({ ...breakFacts, openedAt: instant }), key: (found) => found.account }),
    breakResolved: event({
      data: z.strictObject({ ...breakFacts, resolvedAt: instant }),
      key: (found) => found.account,
    }),
  },
});

/** The ledger account that mirrors a bank account: what an address cannot hold becomes `-`. */
export function ledgerAddressOf(bankAccount: string): string {
  return `bank:${mirrorNameOf(bankAccount)}`;
}

/** A bank account's name within its ledger address; both sides of a reconciliation are kept under it. */
export function mirrorNameOf(bankAccount: string): string {
  return bankAccount.replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, 64);
}
