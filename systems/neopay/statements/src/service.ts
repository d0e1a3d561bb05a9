import { implement } from "@banyan/kernel";
import { statements } from "./contract.ts";
import { importStatements } from "./import-statements.ts";
import { findStatement, listAccounts, listEntries, listStatements } from "./read-statements.ts";

/** Bank statements on the service's own tables: imported by command, told as events, read by query. */
export const statementsService = implement(statements, {
  migrations: new URL("../sql/", import.meta.url),
  commands: { import: importStatements },
  queries: { find: findStatement, entries: listEntries, list: listStatements, accounts: listAccounts },
});
