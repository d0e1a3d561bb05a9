import { currencyOf, formatMinor } from "@banyan/neopay-money";
import { xmlAccountId, xmlText } from "../write-xml.ts";

/** One side of a transfer. `account` is an IBAN or the bank's own number; a `bic` of null leaves the bank to the IBAN. */
export type TransferParty = { readonly name: string; readonly account: string; readonly bic: string | null };

export type CreditTransfer = {
  /** At most 35 characters; comes back in the bank's answers and statements. */
  readonly endToEndId: string;
  readonly amountMinor: number;
  readonly creditor: TransferParty;
  readonly remittance: string;
};

/** Payments of one debtor's account in one currency on one day: one message with one payment information. */
export type CreditTransferInitiation = {
  /** At most 35 characters. */
  readonly messageId: string;
  readonly createdAt: Date;
  /** YYYY-MM-DD */
  readonly requestedOn: string;
  readonly currency: string;
  readonly debtor: TransferParty;
  readonly transfers: readonly CreditTransfer[];
};

/** The version that SEPA's rulebooks ask for since 2023. */
const namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

/** The message as XML, with its count and control sum in the header and in the payment information. The same input is the same text. */
export function writePain001(initiation: CreditTransferInitiation): string {
  const { messageId, createdAt, requestedOn, currency, debtor, transfers } = initiation;
  const controls = `<NbOfTxs>${transfers.length}</NbOfTxs><CtrlSum>${controlSum(transfers, currency)}</CtrlSum>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="${namespace}">
  <CstmrCdtTrfInitn>
    <GrpHdr>
      <MsgId>${xmlText(messageId)}</MsgId><CreDtTm>${createdAt.toISOString()}</CreDtTm>${controls}
      <InitgPty><Nm>${xmlText(debtor.name)}</Nm></InitgPty>
    </GrpHdr>
    <PmtInf>
      <PmtInfId>${xmlText(messageId)}</PmtInfId><PmtMtd>TRF</PmtMtd>${controls}
      <ReqdExctnDt><Dt>${requestedOn}</Dt></ReqdExctnDt>
      <Dbtr><Nm>${xmlText(debtor.name)}</Nm></Dbtr>
      <DbtrAcct>${xmlAccountId(debtor.account)}<Ccy>${currency}</Ccy></DbtrAcct>
      <DbtrAgt>${institution(debtor.bic)}</DbtrAgt>
      <ChrgBr>SLEV</ChrgBr>
${transfers.map((transfer) => transferXml(transfer, currency)).join("\n")}
    </PmtInf>
  </CstmrCdtTrfInitn>
</Document>
`;
}

function transferXml({ endToEndId, amountMinor, creditor, remittance }: CreditTransfer, currency: string): string {
  const agent = creditor.bic === null ? "" : `\n        <CdtrAgt>${institution(creditor.bic)}</CdtrAgt>`;
  return `      <CdtTrfTxInf>
        <PmtId><EndToEndId>${xmlText(endToEndId)}</EndToEndId></PmtId>
        <Amt><InstdAmt Ccy="${currency}">${formatMinor(amountMinor, currency)}</InstdAmt></Amt>${agent}
        <Cdtr><Nm>${xmlText(creditor.name)}</Nm></Cdtr>
        <CdtrAcct>${xmlAccountId(creditor.account)}</CdtrAcct>
        <RmtInf><Ustrd>${xmlText(remittance)}</Ustrd></RmtInf>
      </CdtTrfTxInf>`;
}

/** Exact beyond 2^53: a sum of amounts may be more than an amount can be. */
function controlSum(transfers: readonly CreditTransfer[], currency: string): string {
  const { exponent } = currencyOf(currency);
  const digits = transfers
    .reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n)
    .toString()
    .padStart(exponent + 1, "0");
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** The element is required; NOTPROVIDED is what ISO 20022 has for a bank that the IBAN tells. */
function institution(bic: string | null): string {
  const id = bic === null ? "<Othr><Id>NOTPROVIDED</Id></Othr>" : `<BICFI>${xmlText(bic)}</BICFI>`;
  return `<FinInstnId>${id}</FinInstnId>`;
}
