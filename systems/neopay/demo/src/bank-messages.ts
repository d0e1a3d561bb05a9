/** A booked movement on a bank account, as the bank tells it. */
export interface BankEntry {
  readonly reference: string;
  /** In major units, "49.90" */
  readonly amount: string;
  readonly mark: "CRDT" | "DBIT";
  readonly text: string;
}

/** What a message is about: an account in EUR on one day. */
export interface BankDay {
  readonly id: string;
  readonly account: string;
  readonly day: string;
  readonly entries: readonly BankEntry[];
}

/** camt.054 version 8: the bank tells movements as they happen. */
export function bankNotification({ id, account, day, entries }: BankDay): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08">
  <BkToCstmrDbtCdtNtfctn>
    <GrpHdr><MsgId>${id}</MsgId><CreDtTm>${day}T17:00:00Z</CreDtTm></GrpHdr>
    <Ntfctn>
      <Id>${id}</Id>
      <Acct><Id><IBAN>${account}</IBAN></Id><Ccy>EUR</Ccy></Acct>
${entries.map((entry) => entryOf(entry, day)).join("\n")}
    </Ntfctn>
  </BkToCstmrDbtCdtNtfctn>
</Document>
`;
}

/** camt.053 version 8: the bank's account of a day that began with nothing and ended with `closing`. */
export function bankStatement({ id, account, day, entries, closing }: BankDay & { readonly closing: string }): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>${id}</MsgId><CreDtTm>${day}T18:00:00Z</CreDtTm></GrpHdr>
    <Stmt>
      <Id>${id}</Id>
      <ElctrncSeqNb>1</ElctrncSeqNb>
      <CreDtTm>${day}T18:00:00Z</CreDtTm>
      <Acct><Id><IBAN>${account}</IBAN></Id><Ccy>EUR</Ccy></Acct>
${balance("OPBD", "0.00", day)}
${balance("CLBD", closing, day)}
${entries.map((entry) => entryOf(entry, day)).join("\n")}
    </Stmt>
  </BkToCstmrStmt>
</Document>
`;
}

function balance(kind: string, amount: string, day: string): string {
  return `      <Bal>
        <Tp><CdOrPrtry><Cd>${kind}</Cd></CdOrPrtry></Tp>
        <Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>${day}</Dt></Dt>
      </Bal>`;
}

function entryOf({ reference, amount, mark, text }: BankEntry, day: string): string {
  return `      <Ntry>
        <Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${mark}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
        <BookgDt><Dt>${day}</Dt></BookgDt><ValDt><Dt>${day}</Dt></ValDt><AcctSvcrRef>BANK-${reference}</AcctSvcrRef>
        <BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd>
        <NtryDtls><TxDtls>
          <Refs><EndToEndId>${reference}</EndToEndId></Refs>
          <Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${mark}</CdtDbtInd>
          <RmtInf><Ustrd>${text}</Ustrd></RmtInf>
        </TxDtls></NtryDtls>
      </Ntry>`;
}
