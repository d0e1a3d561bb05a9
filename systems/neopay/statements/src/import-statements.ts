import type { Handler } from "@banyan/kernel";
import type { BankStatement } from "@banyan/neopay-bank-files";
import { parseStatements } from "@banyan/neopay-bank-files";
import { type Imported, statements } from "./contract.ts";
import { findRepeated, insertStatement, lockAccounts, replaceEarlier } from "./statement-store.ts";

const problemsMax = 1_000;
type Context = Parameters<Handler<typeof statements.import>>[0];

/** Reads the document before the transaction begins (the first SQL opens it), then stores what is new. */
export const importStatements: Handler<typeof statements.import> = async (
  ctx,
  { content, format, delimiter, decimal },
) => {
  const csv = { ...(delimiter && { delimiter }), ...(decimal && { decimal }) };
  const parsed = parseStatements(content, { format, csv });
  const problems = parsed.problems.slice(0, problemsMax);
  if (parsed.statements.length === 0) throw ctx.faults.unreadable({ problems });
  const accounts = parsed.statements.map(({ account }) => account);
  await lockAccounts(ctx.sql, ctx.identity.tenant, accounts);
  const imported: Imported[] = [];
  for (const statement of parsed.statements) imported.push(await store(ctx, statement));
  return { statements: imported, problems };
};

async function store(ctx: Context, statement: BankStatement): Promise<Imported> {
  const id = ctx.newId();
  const { tenant } = ctx.identity;
  const isNew = await insertStatement(ctx.sql, { id, tenant, importedAt: new Date(ctx.now()) }, statement);
  const { entries, balances: _, ...heading } = statement;
  const described = { ...heading, entryCount: entries.length };
  if (!isNew) {
    const repeatedId = await findRepeated(ctx.sql, tenant, statement);
    if (!repeatedId) throw new Error(`statement ${statement.statementId} was refused as known, but is not found`);
    return { ...described, id: repeatedId, duplicate: true, replacesId: null };
  }
  const replacesId = await replaceEarlier(ctx.sql, { id, tenant }, statement);
  const { format, account, currency, statementId, closing, ties, breakMinor, tieReason } = statement;
  const told = { format, account, currency, statementId, closing, ties, breakMinor, tieReason };
  ctx.emit(statements.imported, { id, ...told, entryCount: entries.length, replacesId });
  return { ...described, id, duplicate: false, replacesId };
}
