import { formatMinor } from "@banyan/neopay-money";
import { bankAccount, day, paidOutMinor } from "./movements.ts";

interface Entry {
  readonly reference: string;
  readonly amount: string;
  readonly mark: "CRDT" | "DBIT";
  readonly text: string;
}

const paidOut = formatMinor(paidOutMinor, "EUR");

/** What came in, by the reference that payer and payee gave it. */
const received: readonly Entry[] = [
  { reference: "TOPUP-1001", amount: "100.00", mark: "CRDT", text: "Alice, top-up" },
  { reference: "TOPUP-1002", amount: "60.00", mark: "CRDT", text: "Bob, top-up" },
  { reference: `CARDS-${day}`, amount: "85.00", mark: "CRDT", text: "Card sales of Acme" },
];

/** The bank's account of the same day, as camt.053 version 8: 0.00 + 245.00 - 129.33 = 115.67. The payout has the reference of its message. */
export function bankStatement(payoutReference: string): string {
  const payout: Entry = { reference: payoutReference, amount: paidOut, mark: "DBIT", text: "Payout to Acme" };
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>DEMO-${day}</MsgId><CreDtTm>${day}T18:00:00Z</CreDtTm></GrpHdr>
    <Stmt>
      <Id>DEMO-${day}</Id>
      <ElctrncSeqNb>1</ElctrncSeqNb>
      <CreDtTm>${day}T18:00:00Z</CreDtTm>
      <Acct><Id><IBAN>${bankAccount}</IBAN></Id><Ccy>EUR</Ccy></Acct>
${balance("OPBD", "0.00")}
${balance("CLBD", "115.67")}
${[...received, payout].map(entry).join("\n")}
    </Stmt>
  </BkToCstmrStmt>
</Document>
`;
}

function balance(kind: string, amount: string): string {
  return `      <Bal>
        <Tp><CdOrPrtry><Cd>${kind}</Cd></CdOrPrtry></Tp>
        <Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>${day}</Dt></Dt>
      </Bal>`;
}

function entry({ reference, amount, mark, text }: Entry): string {
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
