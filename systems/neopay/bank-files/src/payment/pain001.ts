import { currencyOf } from "@banyan/neopay-money";
import { providedId, readRemittance } from "../camt-entry.ts";
import type { ParseProblem } from "../model.ts";
import { ParseError, problemOf, quoted } from "../problem.ts";
import { find, readAmount, readDay, required, textAt, type XmlElement } from "../xml-element.ts";
import { createXmlReader } from "../xml-reader.ts";

/** One payment that a customer asks the bank to make: `amountMinor` from the debtor's account to the creditor. */
export type InitiatedPayment = {
  messageId: string;
  /** Place among the transfers of the message, refused ones included, from 1. */
  position: number;
  paymentInformationId: string;
  endToEndId: string | null;
  instructionId: string | null;
  uetr: string | null;
  amountMinor: number;
  currency: string;
  requestedOn: string | null;
  debtor: { name: string | null; account: string };
  creditor: { name: string | null; account: string | null };
  remittance: string[];
};

/** The payments of a pain.001 message, and a problem for each that was refused. `count` is payments plus problems. */
export type PaymentInitiation = { messageId: string | null; payments: InitiatedPayment[]; problems: ParseProblem[] };

const VERSIONS = { min: 3, max: 12 };
type Header = { messageId: string; count: string | null; sum: string | null; line: number };

/**
 * Reads pain.001, versions 3 to 9 and what has not moved since. A broken payment is refused at its element and the others
 * are kept. When a complete message contradicts its own count or control sum, every payment is refused: what arrived is
 * not what the payer sent.
 */
export function parsePain001(text: string): PaymentInitiation {
  const read: PaymentInitiation = { messageId: null, payments: [], problems: [] };
  let root: string | null = null;
  let header: Header | null = null;
  let information: XmlElement | null = null;
  const xml = createXmlReader({
    opened(element) {
      if (element.name === "Document") {
        checkVersion(element);
        root = `${element.path}/CstmrCdtTrfInitn`;
      } else if (root && element.path === `${root}/PmtInf`) information = element;
    },
    closed(element) {
      if (root && element.path === `${root}/GrpHdr`) {
        header = readHeader(element);
        read.messageId = header.messageId;
      }
      if (!information || element.path !== `${information.path}/CdtTrfTxInf`) return element === information;
      readTransfer(information, element, read);
      return true;
    },
  });
  try {
    xml.write(text);
    xml.close();
    if (!root) throw new ParseError({ line: 1, at: null }, "no element Document of pain.001 was found");
    if (!header) throw new ParseError({ line: 1, at: `${root}/GrpHdr` }, "the message has no GrpHdr");
    checkControls(header, read);
  } catch (error) {
    read.problems.push(problemOf(error, read.messageId));
  }
  return read;
}

function checkVersion(element: XmlElement): void {
  const version = Number(/pain\.001\.001\.(\d{2})/.exec(element.namespace)?.[1]);
  if (version >= VERSIONS.min && version <= VERSIONS.max) return;
  const reason = `the namespace ${quoted(element.namespace)} is not pain.001, version ${VERSIONS.min} to ${VERSIONS.max}`;
  throw new ParseError({ line: element.line, at: element.path }, reason);
}

function readHeader(element: XmlElement): Header {
  const messageId = textAt(element, "MsgId");
  if (!messageId) throw new ParseError({ line: element.line, at: `${element.path}/MsgId` }, "the message has no MsgId");
  return { messageId, count: textAt(element, "NbOfTxs"), sum: textAt(element, "CtrlSum"), line: element.line };
}

function readTransfer(information: XmlElement, transfer: XmlElement, read: PaymentInitiation): void {
  const position = read.payments.length + read.problems.length + 1;
  try {
    if (!read.messageId)
      throw new ParseError(
        { line: transfer.line, at: transfer.path },
        "no GrpHdr with a MsgId came before the payment",
      );
    read.payments.push(readPayment(information, transfer, { messageId: read.messageId, position }));
  } catch (error) {
    read.problems.push(problemOf(error, textAt(transfer, "PmtId/EndToEndId")));
  }
}

function readPayment(
  information: XmlElement,
  transfer: XmlElement,
  { messageId, position }: Pick<InitiatedPayment, "messageId" | "position">,
): InitiatedPayment {
  const debtorAccount = textAt(information, "DbtrAcct/Id/IBAN", "DbtrAcct/Id/Othr/Id");
  if (!debtorAccount) {
    throw new ParseError(
      { line: information.line, at: `${information.path}/DbtrAcct/Id` },
      "the debtor's account has no IBAN and no other id",
    );
  }
  const amount =
    find(transfer, "Amt/InstdAmt") ?? find(transfer, "Amt/EqvtAmt/Amt") ?? required(transfer, "Amt/InstdAmt");
  const read = readAmount(amount);
  if (read.amountMinor === 0) throw new ParseError({ line: amount.line, at: amount.path }, "a payment of nothing");
  return {
    messageId,
    position,
    paymentInformationId: textAt(information, "PmtInfId") ?? messageId,
    endToEndId: providedId(textAt(transfer, "PmtId/EndToEndId")),
    instructionId: textAt(transfer, "PmtId/InstrId"),
    uetr: textAt(transfer, "PmtId/UETR"),
    ...read,
    requestedOn: readDay(find(information, "ReqdExctnDt")),
    debtor: { name: textAt(information, "Dbtr/Nm"), account: debtorAccount },
    creditor: {
      name: textAt(transfer, "Cdtr/Nm"),
      account: textAt(transfer, "CdtrAcct/Id/IBAN", "CdtrAcct/Id/Othr/Id"),
    },
    remittance: readRemittance(find(transfer, "RmtInf")),
  };
}

// The sum adds amounts whatever their currency (ISO 20022, CtrlSum), so it is compared as a plain decimal.
function checkControls(header: Header, read: PaymentInitiation): void {
  const received = read.payments.length + read.problems.length;
  const differs: string[] = [];
  if (header.count !== null && Number(header.count) !== received)
    differs.push(`NbOfTxs says ${header.count}, ${received} are there`);
  if (header.sum !== null && read.problems.length === 0) {
    const sum = read.payments.reduce((total, payment) => total + scaled(payment.amountMinor, payment.currency), 0n);
    if (sum !== scaledText(header.sum)) differs.push(`CtrlSum says ${header.sum}, the amounts do not sum to it`);
  }
  if (differs.length === 0) return;
  const reason = differs.join("; ");
  for (const payment of read.payments.splice(0)) {
    read.problems.push({
      line: header.line,
      at: "Document/CstmrCdtTrfInitn/GrpHdr",
      statementId: payment.endToEndId,
      reason,
    });
  }
}

const CONTROL_DIGITS = 5;

function scaled(amountMinor: number, currency: string): bigint {
  return BigInt(amountMinor) * 10n ** BigInt(CONTROL_DIGITS - currencyOf(currency).exponent);
}

// Null where the text is no decimal of at most 5 fraction digits, which no sum of amounts equals.
function scaledText(text: string): bigint | null {
  const match = /^(\d{1,18})(?:\.(\d{0,17}?)0*)?$/.exec(text);
  const fraction = match?.[2] ?? "";
  return match && fraction.length <= CONTROL_DIGITS
    ? BigInt(`${match[1]}${fraction.padEnd(CONTROL_DIGITS, "0")}`)
    : null;
}
