/** Builds camt documents of our own making, so that a test says only what it is about. */
type EntryParts = { amount?: string; currency?: string; mark?: "CRDT" | "DBIT"; status?: string; inner?: string };
type StatementParts = {
  id?: string;
  currency?: string;
  opening?: string;
  closing?: string;
  balances?: string;
  entries?: string;
  inner?: string;
};

export function balance(kind: string, amount: string, { currency = "EUR", mark = "CRDT" } = {}): string {
  return `<Bal><Tp><CdOrPrtry><Cd>${kind}</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">${amount}</Amt>
<CdtDbtInd>${mark}</CdtDbtInd><Dt><Dt>2026-01-31</Dt></Dt></Bal>`;
}

export function entry({
  amount = "8.85",
  currency = "EUR",
  mark = "CRDT",
  status = "<Sts>BOOK</Sts>",
  inner = "",
}: EntryParts = {}): string {
  return `<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>${mark}</CdtDbtInd>${status}
<BookgDt><Dt>2026-01-31</Dt></BookgDt><BkTxCd/>${inner}</Ntry>`;
}

export function statement({
  id = "S1",
  currency = "EUR",
  opening = "18.15",
  closing = "27.00",
  balances = `${balance("OPBD", opening)}${balance("CLBD", closing)}`,
  entries = entry(),
  inner = "",
}: StatementParts = {}): string {
  return `<Stmt><Id>${id}</Id><CreDtTm>2026-01-31T00:00:00Z</CreDtTm>${inner}
<Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id>${currency ? `<Ccy>${currency}</Ccy>` : ""}</Acct>
${balances}
${entries}
</Stmt>`;
}

export function camt053(statements: string, version = 2): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.${String(version).padStart(2, "0")}">
<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr>
${statements}
</BkToCstmrStmt></Document>`;
}
