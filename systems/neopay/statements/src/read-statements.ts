import type { Handler } from "@banyan/kernel";
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

/** One more than asked for tells whether another page follows. */
export const listEntries: Handler<typeof statements.entries> = async (ctx, { id, after, limit }) => {
  const [found, entries] = await Promise.all([
    selectStatement(ctx.sql, ctx.identity.tenant, id),
    selectEntries(ctx.sql, id, { after, limit: limit + 1 }),
  ]);
  if (!found) throw ctx.faults.unknownStatement({ id });
  const page = entries.slice(0, limit);
  return { entries: page, next: entries.length > limit ? (page.at(-1)?.index ?? null) : null };
};

export const listStatements: Handler<typeof statements.list> = async (ctx, { account, after, limit }) => {
  const found = await selectStatements(ctx.sql, {
    tenant: ctx.identity.tenant,
    account: account ?? null,
    after,
    limit: limit + 1,
  });
  const page = found.slice(0, limit);
  return {
    statements: page.map(({ number: _, ...statement }) => statement),
    next: found.length > limit ? (page.at(-1)?.number ?? null) : null,
  };
};
