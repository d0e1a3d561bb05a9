/** A payment of the day out of our account. */
interface Debit {
  readonly account: string;
  readonly endToEndId: string;
  readonly amount: string;
}

/** pacs.002: a payment was rejected. */
export function rejection(endToEndId: string): string {
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10"><FIToFIPmtStsRpt><GrpHdr><MsgId>R1</MsgId></GrpHdr>
<TxInfAndSts><OrgnlEndToEndId>${endToEndId}</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts></FIToFIPmtStsRpt></Document>`;
}

/** camt.054: a payment was booked. */
export function debitNotification(debit: Debit): string {
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N1</MsgId></GrpHdr>
<Ntfctn><Id>N1</Id>${accountOf(debit)}${entryOf(debit)}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`;
}

/** camt.053: the payment is all that happened on an account that was empty. */
export function debitStatement(debit: Debit): string {
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>S1</MsgId></GrpHdr>
<Stmt><Id>S1</Id>${accountOf(debit)}${balance("OPBD", "0.00", "CRDT")}${balance("CLBD", debit.amount, "DBIT")}
${entryOf(debit)}</Stmt></BkToCstmrStmt></Document>`;
}

const today = () => `<Dt>${new Date().toISOString().slice(0, 10)}</Dt>`;

function accountOf({ account }: Debit): string {
  return `<Acct><Id><IBAN>${account}</IBAN></Id><Ccy>EUR</Ccy></Acct>`;
}

function entryOf({ endToEndId, amount }: Debit): string {
  const sum = `<Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>`;
  return `<Ntry>${sum}<Sts><Cd>BOOK</Cd></Sts><BookgDt>${today()}</BookgDt><BkTxCd/>
<NtryDtls><TxDtls><Refs><EndToEndId>${endToEndId}</EndToEndId></Refs>${sum}</TxDtls></NtryDtls></Ntry>`;
}

function balance(kind: string, amount: string, mark: string): string {
  return `<Bal><Tp><CdOrPrtry><Cd>${kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${mark}</CdtDbtInd><Dt>${today()}</Dt></Bal>`;
}
