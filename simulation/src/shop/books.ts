import { type Handler, implement, type Service } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { merchants } from "@banyan/neopay-merchants/contract";
import { feePlan } from "@banyan/neopay-money";
import type { HoldRow, Refusal, TransactionRow } from "./rows.ts";

const { openAccount, post, placeHold, commitHold, voidHold } = ledger.contract.commands;
const commands = { openAccount, post, placeHold, commitHold, voidHold };

/** What of the ledger payments use. */
const books = {
  contract: { ...ledger.contract, commands, queries: {}, events: {}, jobs: {}, actions: Object.values(commands) },
};

const opened: Handler<typeof openAccount> = async (ctx, { address, currency, floorMinor }) => {
  settled(await ctx.sql<Refusal>`SELECT * FROM books.open(${address}, ${floorMinor})`);
  const nothing = { balanceMinor: 0, pendingDebitMinor: 0, pendingCreditMinor: 0, availableMinor: 0, entryCount: 0 };
  return { address, currency, floorMinor, ...nothing, status: "open", openedAt: new Date(ctx.now()).toISOString() };
};

const posted: Handler<typeof post> = async (ctx, { reference, postings, metadata }) => {
  const { id } = settled(
    await ctx.sql<TransactionRow | Refusal>`SELECT * FROM books.post(${ctx.newId()}, ${reference}, ${postings})`,
  );
  const at = new Date(ctx.now()).toISOString();
  return { id, seq: 1, reference, postings, effectiveAt: at, recordedAt: at, revertsId: null, metadata };
};

const placed: Handler<typeof placeHold> = async (ctx, wanted) => {
  const expiresAt = wanted.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(wanted.expiresAt);
  if (expiresAt <= ctx.now()) throw ctx.faults.holdExpiryPast({ expiresAt: wanted.expiresAt ?? "" });
  return holdOf(settled(await ctx.sql<HoldRow | Refusal>`SELECT * FROM books.hold(${ctx.newId()}, ${wanted})`));
};

const committed: Handler<typeof commitHold> = async (ctx, { id, parts, rest }) => {
  const ids = { transactionId: ctx.newId(), restId: ctx.newId() };
  const rows = await ctx.sql<
    HoldRow | Refusal
  >`SELECT * FROM books.commit(${id}, ${parts}, ${rest?.reference}, ${ids}, ${ctx.now()})`;
  return holdOf(settled(rows));
};

const voided: Handler<typeof voidHold> = async (ctx, { id }) =>
  holdOf(settled(await ctx.sql<HoldRow | Refusal>`SELECT * FROM books.void(${id})`));

/** The row, or what refused it. */
function settled<Row extends object>([row]: readonly (Row | Refusal)[]): Row {
  if (row === undefined) return {} as Row;
  if ("refused" in row) throw ledger.faults[row.refused](row.details as never);
  return row;
}

function holdOf({ amountMinor, expiresAt, ...hold }: HoldRow) {
  const at = new Date(0).toISOString();
  const rest = { capturedMinor: 0, currency: "EUR", createdAt: at, settledAt: null, metadata: {} };
  return { ...rest, ...hold, amountMinor, expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() };
}

/** Double entry with holds, as the ledger's contract says; NeoPay's own says it in more SQL than a world can hold. */
export const booksService: Service = implement(books, {
  commands: { openAccount: opened, post: posted, placeHold: placed, commitHold: committed, voidHold: voided },
});

const { find } = merchants.contract.queries;
const register = {
  contract: { ...merchants.contract, commands: {}, queries: { find }, events: {}, workflows: {}, actions: [find] },
};
const terms = feePlan.parse({ basisPoints: 290, fixedMinor: 3, shares: [{ account: "fees:acme", weight: 1 }] });

/** Knows acme, and that it may collect. */
export const registerService: Service = implement(register, {
  queries: {
    find: (_ctx, { code }) => ({
      code,
      name: "Acme",
      currency: "EUR",
      status: "approved" as const,
      feePlan: terms,
      webhookUrl: null,
      createdAt: new Date(0).toISOString(),
    }),
  },
});
