import { createHash } from "node:crypto";
import { formatMinor } from "@banyan/neopay-money";
import { xmlAccountId, xmlText } from "../write-xml.ts";
import { type AccountStatement, type StatementLine, statementIdOf } from "./account-statement.ts";

/** Of the same year's standard as the pain.001 that is written here. */
const namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

/**
 * The statement as XML. The keeper's id of a line is its AcctSvcrRef. Its reference is whole in AddtlNtryInf, and the EndToEndId where
 * it fits there. The same input is the same text.
 */
export function writeCamt053(statement: AccountStatement): string {
  const { account, currency, from, to, createdAt, openingMinor, lines } = statement;
  const at = createdAt.toISOString();
  const id = statementIdOf(statement);
  const closingMinor = lines.at(-1)?.balanceMinor ?? openingMinor;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="${namespace}">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>${digest(`${account} ${id} ${at}`)}</MsgId><CreDtTm>${at}</CreDtTm></GrpHdr>
    <Stmt>
      <Id>${id}</Id><CreDtTm>${at}</CreDtTm>
      <FrToDt><FrDtTm>${from}T00:00:00Z</FrDtTm><ToDtTm>${to}T23:59:59.999Z</ToDtTm></FrToDt>
      <Acct>${accountXml(account, `<Ccy>${currency}</Ccy>`)}</Acct>
      <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp>${signed(openingMinor, currency)}<Dt><Dt>${from}</Dt></Dt></Bal>
      <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp>${signed(closingMinor, currency)}<Dt><Dt>${to}</Dt></Dt></Bal>
${lines.map((line) => `${lineXml(line, currency)}\n`).join("")}    </Stmt>
  </BkToCstmrStmt>
</Document>
`;
}

function lineXml({ number, id, reference, counterparty, changeMinor, on }: StatementLine, currency: string): string {
  const amount = signed(changeMinor, currency);
  const [role, family] = changeMinor < 0 ? ["Cdtr", "ICDT"] : ["Dbtr", "RCDT"];
  return `      <Ntry>
        <NtryRef>${number}</NtryRef>${amount}<Sts><Cd>BOOK</Cd></Sts>
        <BookgDt><Dt>${on}</Dt></BookgDt><ValDt><Dt>${on}</Dt></ValDt><AcctSvcrRef>${xmlText(id)}</AcctSvcrRef>
        <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>${family}</Cd><SubFmlyCd>BOOK</SubFmlyCd></Fmly></Domn></BkTxCd>
        <NtryDtls><TxDtls>
          <Refs><EndToEndId>${reference.length > 35 ? "NOTPROVIDED" : xmlText(reference)}</EndToEndId></Refs>${amount}
          <RltdPties><${role}><Pty><Nm>${xmlText(counterparty)}</Nm></Pty></${role}><${role}Acct>${accountXml(counterparty)}</${role}Acct></RltdPties>
        </TxDtls></NtryDtls>
        <AddtlNtryInf>${xmlText(reference)}</AddtlNtryInf>
      </Ntry>`;
}

/** An amount has no sign; the side says it, for what is 0 as for what is more. */
function signed(amountMinor: number, currency: string): string {
  const side = amountMinor < 0 ? "DBIT" : "CRDT";
  const amount = formatMinor(Math.abs(amountMinor), currency);
  return `<Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>${side}</CdtDbtInd>`;
}

/** An id of ISO 20022 has 34 characters: a longer name is the account's alias, and a digest of it the id. */
function accountXml(account: string, currency = ""): string {
  if (account.length <= 34) return `${xmlAccountId(account)}${currency}`;
  return `${xmlAccountId(digest(account))}${currency}<Prxy><Id>${xmlText(account)}</Id></Prxy>`;
}

/** 32 characters that stand for a text. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
