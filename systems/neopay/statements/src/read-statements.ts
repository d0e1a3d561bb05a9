import { type Handler, pageOf } from "@banyan/kernel";
import type { statements } from "./contract.ts";
import { countByAccount, selectEntries, selectStatement, selectStatements } from "./statement-store.ts";

export const findStatement: Handler<typeof statements.find> = async (ctx, { id }) => {
  const found = await selectStatement(ctx.sql, ctx.identity.tenant, id);
  if (!found) throw ctx.faults.unknownStatement({ id });
  return found;
};

export const listAccounts: Handler<typeof statements.accounts> = async (ctx) => ({
  accounts: await countByAccount(ctx.sql, ctx.identity.tenant),
});

export const listEntries: Handler<typeof statements.entries> = async (ctx, { id, after, limit }) => {
  const [found, entries] = await Promise.all([
    selectStatement(ctx.sql, ctx.identity.tenant, id),
    selectEntries(ctx.sql, id, { after, limit: limit + 1 }),
  ]);
  if (!found) throw ctx.faults.unknownStatement({ id });
  const { page, next } = pageOf(entries, limit, ({ index }) => index);
  return { entries: page, next };
};

export const listStatements: Handler<typeof statements.list> = async (ctx, { account, after, limit }) => {
  const found = await selectStatements(ctx.sql, {
    tenant: ctx.identity.tenant,
    account: account ?? null,
    after,
    limit: limit + 1,
  });
  const { page, next } = pageOf(found, limit, ({ number }) => number);
  return { statements: page.map(({ number: _, ...statement }) => statement), next };
};
