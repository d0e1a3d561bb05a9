import { type Handler, pageOf } from "@banyan/kernel";
import { type StoredBreak, selectBreaks, toBreak } from "./break-store.ts";
import { type Break, mirrorNameOf, type reconciliation } from "./contract.ts";
import { selectMatches, selectRun } from "./run-store.ts";

const DAY_MS = 86_400_000;

export const findRun: Handler<typeof reconciliation.findRun> = async (ctx, { id }) => {
  const run = await selectRun(ctx.sql, ctx.identity.tenant, id);
  if (!run) throw ctx.faults.unknownRun({ id });
  return run;
};

export const listBreaks: Handler<typeof reconciliation.breaks> = async (ctx, { id, kind, after, limit }) => {
  const { tenant } = ctx.identity;
  const run = await selectRun(ctx.sql, tenant, id);
  if (!run) throw ctx.faults.unknownRun({ id });
  const found = await selectBreaks(ctx.sql, {
    tenant,
    account: run.account,
    kind: kind ?? null,
    atRun: run.number,
    openedBefore: null,
    after,
    limit: limit + 1,
  });
  return breaksPage(found, { limit, now: ctx.now() });
};

export const listQueue: Handler<typeof reconciliation.queue> = async (
  ctx,
  { account, kind, ageDaysMin, after, limit },
) => {
  const found = await selectBreaks(ctx.sql, {
    tenant: ctx.identity.tenant,
    account: account === undefined ? null : mirrorNameOf(account),
    kind: kind ?? null,
    atRun: null,
    openedBefore: ageDaysMin === undefined ? null : new Date(ctx.now() - ageDaysMin * DAY_MS),
    after,
    limit: limit + 1,
  });
  return breaksPage(found, { limit, now: ctx.now() });
};

export const listMatches: Handler<typeof reconciliation.matches> = async (ctx, { id, after, limit }) => {
  const { tenant } = ctx.identity;
  if (!(await selectRun(ctx.sql, tenant, id))) throw ctx.faults.unknownRun({ id });
  const found = await selectMatches(ctx.sql, { tenant, runId: id, after, limit: limit + 1 });
  const { page, next } = pageOf(found, limit, ({ number }) => number);
  return { matches: page.map(({ number: _, ...match }) => match), next };
};

function breaksPage(
  found: readonly StoredBreak[],
  { limit, now }: { limit: number; now: number },
): { breaks: Break[]; next: number | null } {
  const { page, next } = pageOf(found, limit, ({ number }) => number);
  return { breaks: page.map((stored) => toBreak(stored, now)), next };
}
