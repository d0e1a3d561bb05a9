/** Builds small camt.053 documents of our own making, so that a test says only what it is about. */
export function entry(amount = "8.85"): string {
  return `<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-01-31</Dt></BookgDt></Ntry>`;
}

type StatementParts = { id?: string; opening?: string; closing?: string; entries?: string };

export function statement({
  id = "S1",
  opening = "18.15",
  closing = "27.00",
  entries = entry(),
}: StatementParts = {}): string {
  return `<Stmt><Id>${id}</Id><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id><Ccy>EUR</Ccy></Acct>
${balance("OPBD", opening)}${balance("CLBD", closing)}
${entries}
</Stmt>`;
}

function balance(kind: string, amount: string): string {
  return `<Bal><Tp><CdOrPrtry><Cd>${kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${amount}</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-31</Dt></Dt></Bal>`;
}

export function camt053(statements: string, version = 2): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.0${version}">
<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr>
${statements}
</BkToCstmrStmt></Document>`;
}
