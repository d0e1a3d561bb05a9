export { type BerkaRow, readBerka } from "./berka.ts";
export { decodeDocument, parseStatements } from "./document.ts";
export type { BankStatement, ParseProblem, StatementEntry } from "./model.ts";
export { isIban, looksLikeIban } from "./payment/iban.ts";
export { type InitiatedPayment, parsePain001 } from "./payment/pain001.ts";
export { parsePaymentStatus } from "./payment/payment-status.ts";
export { writePain001 } from "./payment/write-pain001.ts";
export { ParseError } from "./problem.ts";
