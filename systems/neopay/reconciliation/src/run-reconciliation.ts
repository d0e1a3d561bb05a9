import type { Handler } from "@banyan/kernel";
import { insertBreaks, resolveBreaks, type StoredBreak, selectOpen, updateBreaks } from "./break-store.ts";
import { awaitArrival } from "./catch-up.ts";
import { itemsMax, mirrorNameOf, type Run, reconciliation } from "./contract.ts";
import { type FoundBreak, foundBreaks } from "./found-breaks.ts";
import { type Span, selectAccounts, selectProof, selectUnmatched, selectUntied } from "./item-store.ts";
import { type Matching, matchItems, type Rule } from "./matching.ts";
import { insertMatches, insertRun, takeRunNumber } from "./run-store.ts";

type Context = Parameters<Handler<typeof reconciliation.run>>[0];
type Terms = { rules: readonly Rule[]; dateWindowDays: number; span: Span };
type Changes = {
  opened: (FoundBreak & { id: string })[];
  kept: (FoundBreak & { id: string })[];
  resolved: StoredBreak[];
};

/** Matches account by account, then tells what is new: breaks that opened, and breaks that the matches explain. */
export const runReconciliation: Handler<typeof reconciliation.run> = async (
  ctx,
  { account, from, to, rules, dateWindowDays },
) => {
  const { tenant } = ctx.identity;
  const name = account === undefined ? null : mirrorNameOf(account);
  await awaitArrival(ctx, name);
  const number = await takeRunNumber(ctx.sql, tenant);
  const known = await selectAccounts(ctx.sql, tenant);
  if (name !== null && !known.includes(name)) throw ctx.faults.unknownAccount({ account: name });
  const accounts = name === null ? known : [name];
  const runId = ctx.newId();
  const at = new Date(ctx.now());
  const terms: Terms = { rules, dateWindowDays, span: { from: from ?? null, to: to ?? null } };

  const matches: Matching["matches"] = [];
  const changes: Changes = { opened: [], kept: [], resolved: [] };
  for (const each of accounts) matches.push(...(await reconcile(ctx, { account: each, terms, changes })));

  const run: Run = {
    id: runId,
    number,
    account: name,
    ...terms.span,
    rules: [...rules],
    dateWindowDays,
    accountCount: accounts.length,
    matchedCount: matches.length,
    openedCount: changes.opened.length,
    resolvedCount: changes.resolved.length,
    openCount: changes.opened.length + changes.kept.length,
    ranAt: at.toISOString(),
  };
  await insertRun(ctx.sql, tenant, run);
  await insertMatches(ctx.sql, { tenant, runId, newId: () => ctx.newId() }, matches);
  await storeChanges(ctx, { tenant, number, at }, changes);
  return run;
};

async function reconcile(
  ctx: Context,
  { account, terms, changes }: { account: string; terms: Terms; changes: Changes },
): Promise<Matching["matches"]> {
  const key = { tenant: ctx.identity.tenant, account };
  const [bank, ledger, untied, proof, open] = await Promise.all([
    selectUnmatched(ctx.sql, { ...key, side: "bank" }, terms.span),
    selectUnmatched(ctx.sql, { ...key, side: "ledger" }, terms.span),
    selectUntied(ctx.sql, key, terms.span),
    selectProof(ctx.sql, key, terms.span),
    selectOpen(ctx.sql, key, terms.span),
  ]);
  if (Math.max(bank.length, ledger.length) > itemsMax) throw ctx.faults.tooManyItems({ account, itemsMax });
  const matching = matchItems(bank, ledger, terms);
  const before = new Map(open.map((found) => [`${found.kind} ${found.subject}`, found]));
  for (const found of foundBreaks(account, matching, { untied, proof })) {
    const same = before.get(`${found.kind} ${found.subject}`);
    before.delete(`${found.kind} ${found.subject}`);
    if (same) changes.kept.push({ ...found, id: same.id });
    else changes.opened.push({ ...found, id: ctx.newId() });
  }
  changes.resolved.push(...before.values());
  return matching.matches;
}

async function storeChanges(
  ctx: Context,
  occasion: { tenant: string; number: number; at: Date },
  { opened, kept, resolved }: Changes,
): Promise<void> {
  await insertBreaks(ctx.sql, occasion, opened);
  await updateBreaks(ctx.sql, kept);
  await resolveBreaks(
    ctx.sql,
    occasion,
    resolved.map(({ id }) => id),
  );
  const at = occasion.at.toISOString();
  for (const found of opened)
    ctx.emit(reconciliation.breakOpened, { ...found, references: [...found.references], openedAt: at });
  for (const { number: _, openedAt: __, resolvedAt: ___, ...found } of resolved) {
    ctx.emit(reconciliation.breakResolved, { ...found, references: [...found.references], resolvedAt: at });
  }
}
