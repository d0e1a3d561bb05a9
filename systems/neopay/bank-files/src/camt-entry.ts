import type { Charge, Direction, EntryDetail, EntryStatus, Party, StatementEntry } from "./model.ts";
import { ParseError, quoted } from "./problem.ts";
import {
  find,
  findAll,
  readAmount,
  readDay,
  readDirection,
  readFlag,
  required,
  textAt,
  type XmlElement,
} from "./xml-element.ts";

/** Reads one `Ntry` of camt.052, camt.053 or camt.054, versions 2 and later. Throws ParseError at the element that is wrong. */
export function readCamtEntry(entry: XmlElement, index: number): StatementEntry {
  const direction = readDirection(entry);
  const details = findAll(entry, "NtryDtls").flatMap((group) => findAll(group, "TxDtls"));
  return {
    index,
    reference: textAt(entry, "AcctSvcrRef", "NtryRef"),
    ...readAmount(required(entry, "Amt")),
    direction,
    status: readStatus(entry),
    // CdtDbtInd already tells what happened to the account; the flag only says that it undoes an earlier entry.
    reversal: readFlag(entry, "RvslInd"),
    bookedOn: readDay(find(entry, "BookgDt")),
    valueOn: readDay(find(entry, "ValDt")),
    bankCode: readBankCode(find(entry, "BkTxCd")),
    description: textAt(entry, "AddtlNtryInf"),
    charges: readCharges(entry),
    details: details.map((detail) => readDetail(detail, direction)),
  };
}

const STATUSES: Record<string, EntryStatus> = { BOOK: "booked", PDNG: "pending", INFO: "information", FUTR: "future" };

// Version 8 moved the code into a choice; an entry whose status a bank leaves out is one that it booked.
function readStatus(entry: XmlElement): EntryStatus {
  const code = textAt(entry, "Sts/Cd", "Sts") ?? textAt(entry, "Sts/Prtry") ?? "BOOK";
  const status = STATUSES[code];
  if (status) return status;
  const found = required(entry, "Sts");
  throw new ParseError({ line: found.line, at: found.path }, `${quoted(code)} is not BOOK, PDNG, FUTR or INFO`);
}

function readBankCode(code: XmlElement | null): string | null {
  const domain = textAt(code, "Domn/Cd");
  if (!domain) return textAt(code, "Prtry/Cd");
  return [domain, textAt(code, "Domn/Fmly/Cd"), textAt(code, "Domn/Fmly/SubFmlyCd")].filter(Boolean).join("/");
}

// Version 2 lists charges directly; later versions put each into a record.
function readCharges(entry: XmlElement): Charge[] {
  return findAll(entry, "Chrgs")
    .flatMap((charges) => (find(charges, "Amt") ? [charges] : findAll(charges, "Rcrd")))
    .map((charge) => ({
      ...readAmount(required(charge, "Amt")),
      direction: find(charge, "CdtDbtInd") ? readDirection(charge) : null,
    }));
}

function readDetail(detail: XmlElement, entryDirection: Direction): EntryDetail {
  // Version 2 has no Amt of its own: the amount lies in AmtDtls, in the currency of the transaction or the instruction.
  const amount = find(detail, "Amt") ?? find(detail, "AmtDtls/TxAmt/Amt") ?? find(detail, "AmtDtls/InstdAmt/Amt");
  const read = amount ? readAmount(amount) : { amountMinor: null, currency: null };
  return {
    endToEndId: providedId(textAt(detail, "Refs/EndToEndId")),
    instructionId: textAt(detail, "Refs/InstrId"),
    transactionId: textAt(detail, "Refs/TxId"),
    uetr: textAt(detail, "Refs/UETR"),
    mandateId: textAt(detail, "Refs/MndtId"),
    ...read,
    direction: find(detail, "CdtDbtInd") ? readDirection(detail) : amount ? entryDirection : null,
    debtor: readParty(detail, "Dbtr"),
    creditor: readParty(detail, "Cdtr"),
    remittance: readRemittance(find(detail, "RmtInf")),
  };
}

/** An id, or null for NOTPROVIDED: the word that ISO 20022 banks write where the payer gave none. */
export function providedId(id: string | null): string | null {
  return id === "NOTPROVIDED" ? null : id;
}

// Version 8 put the party into a choice between a party and a financial institution.
function readParty(detail: XmlElement, role: "Dbtr" | "Cdtr"): Party | null {
  const parties = find(detail, "RltdPties");
  const party: Party = {
    name: textAt(
      parties,
      `${role}/Pty/Nm`,
      `${role}/Agt/FinInstnId/Nm`,
      `${role}/Nm`,
      `Ultmt${role}/Pty/Nm`,
      `Ultmt${role}/Nm`,
    ),
    account: textAt(parties, `${role}Acct/Id/IBAN`, `${role}Acct/Id/Othr/Id`),
    id: readPartyId(find(parties, `${role}/Pty`) ?? find(parties, role)),
  };
  return party.name || party.account || party.id ? party : null;
}

/** The party's identification: organisation or person, whichever the bank gave. */
function readPartyId(party: XmlElement | null): string | null {
  return textAt(party, "Id/OrgId/Othr/Id", "Id/OrgId/AnyBIC", "Id/OrgId/BICOrBEI", "Id/OrgId/LEI", "Id/PrvtId/Othr/Id");
}

/** References in structured remittance first, then the free texts. */
export function readRemittance(remittance: XmlElement | null): string[] {
  const structured = findAll(remittance, "Strd").map((part) => textAt(part, "CdtrRefInf/Ref"));
  const free = findAll(remittance, "Ustrd").map((part) => part.text.trim());
  return [...structured, ...free].filter((text) => text !== null && text !== "") as string[];
}
