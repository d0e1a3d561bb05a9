export { type BankCsvOptions, bankCsvColumns, parseBankCsv } from "./bank-csv.ts";
export { type BerkaBatch, type BerkaRow, readBerka } from "./berka.ts";
export { type CamtListener, createCamtReader, parseCamt } from "./camt.ts";
export { decodeDocument, detectFormat, parseStatements } from "./document.ts";
export { Balance, BankStatement, type ParsedStatements, StatementEntry, StatementFormat } from "./model.ts";
export { parseMt940 } from "./mt940.ts";
export { type InitiatedPayment, type PaymentInitiation, parsePain001 } from "./pain001.ts";
export { ParseError, ParseProblem } from "./problem.ts";
export { signedMinor } from "./tie.ts";
