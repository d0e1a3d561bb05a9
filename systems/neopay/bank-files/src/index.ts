export { type BerkaRow, readBerka } from "./berka.ts";
export { decodeDocument, parseStatements } from "./document.ts";
export type { BankStatement, ParseProblem, StatementEntry } from "./model.ts";
export { type InitiatedPayment, parsePain001 } from "./pain001.ts";
export { ParseError } from "./problem.ts";
