import type { Handler } from "@banyan/kernel";
import { type Imported, statements } from "./contract.ts";
import { parseStatements } from "./parse/document.ts";
import type { BankStatement } from "./parse/model.ts";
import { findRepeated, insertStatement } from "./statement-store.ts";

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
    const repeated = await findRepeated(ctx.sql, tenant, statement);
    if (!repeated) throw new Error(`statement ${statement.statementId} was refused as known, but is not found`);
    return { ...described, ...repeated, duplicate: true };
  }
  const { format, account, currency, statementId, closing, ties, breakMinor, tieReason } = statement;
  ctx.emit(statements.imported, {
    id,
    format,
    account,
    currency,
    statementId,
    closing,
    ties,
    breakMinor,
    tieReason,
    entryCount: entries.length,
  });
  return { ...described, id, duplicate: false, differs: false };
}
