/** What a bank sends about payments that it was asked to make, each by its end-to-end id. */
export function statusReport(
  statuses: Readonly<Record<string, string>>,
  group?: { readonly messageId: string; readonly status: string },
): string {
  const payments = Object.entries(statuses).map(
    ([endToEndId, status]) => `<TxInfAndSts><OrgnlEndToEndId>${endToEndId}</OrgnlEndToEndId><TxSts>${status}</TxSts>
${status === "RJCT" ? "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>" : ""}</TxInfAndSts>`,
  );
  const whole = group
    ? `<OrgnlGrpInfAndSts><OrgnlMsgId>${group.messageId}</OrgnlMsgId><GrpSts>${group.status}</GrpSts></OrgnlGrpInfAndSts>`
    : "";
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10"><FIToFIPmtStsRpt>
<GrpHdr><MsgId>S1</MsgId></GrpHdr>${whole}${payments.join("")}</FIToFIPmtStsRpt></Document>`;
}

/** A camt.054 of one movement. */
export function notification(given: {
  readonly id: string;
  readonly account: string;
  readonly endToEndId: string;
  readonly amount: string;
  readonly mark: string;
}): string {
  const { id, account, endToEndId, amount, mark } = given;
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>${id}</MsgId></GrpHdr>
<Ntfctn><Id>${id}</Id><Acct><Id><IBAN>${account}</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${mark}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-21</Dt></BookgDt><BkTxCd/>
<NtryDtls><TxDtls><Refs><EndToEndId>${endToEndId}</EndToEndId></Refs><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>${mark}</CdtDbtInd></TxDtls></NtryDtls>
</Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`;
}
