import { providedId } from "../camt-entry.ts";
import type { ParseProblem } from "../model.ts";
import { ParseError, problemOf, quoted } from "../problem.ts";
import { findAll, requiredText, textAt, type XmlElement } from "../xml-element.ts";
import { createXmlReader } from "../xml-reader.ts";

/** A status of ISO 20022's ExternalPaymentTransactionStatus1Code (`ACSC`, `RJCT`), with the bank's reason where it gave one. */
export type StatusOf = { readonly status: string; readonly reason: string | null };

/** What a bank says of payments that it was asked to make. */
export type PaymentStatusReport = {
  messageId: string | null;
  /** The message that is answered. */
  originalMessageId: string | null;
  /** Of the message as a whole; null where only its payments are told of. */
  group: StatusOf | null;
  payments: (StatusOf & { readonly endToEndId: string })[];
  problems: ParseProblem[];
};

/** pacs.002 goes between banks, pain.002 to the customer; both say the same of a payment. */
const bodies: Readonly<Record<string, string>> = { "pacs.002": "FIToFIPmtStsRpt", "pain.002": "CstmrPmtStsRpt" };
const VERSIONS = { min: 3, max: 15 };

/** Reads pacs.002 and pain.002. A status that is wrong is a problem, and the others are read. */
export function parsePaymentStatus(content: string): PaymentStatusReport {
  const report: PaymentStatusReport = {
    messageId: null,
    originalMessageId: null,
    group: null,
    payments: [],
    problems: [],
  };
  let root: string | null = null;
  const xml = createXmlReader({
    opened(element) {
      if (element.name === "Document") root = `${element.path}/${bodyOf(element)}`;
    },
    closed(element) {
      if (root === null || !element.path.startsWith(root)) return false;
      if (element.path === `${root}/GrpHdr`) report.messageId = textAt(element, "MsgId");
      if (element.name === "OrgnlGrpInfAndSts") readGroup(element, report);
      // Of pain.002: a status of all payments below it.
      if (element.name === "OrgnlPmtInfAndSts") report.group ??= statusOf(element, "PmtInfSts");
      if (element.name !== "TxInfAndSts") return false;
      readPayment(element, report);
      return true;
    },
  });
  try {
    xml.write(content);
    xml.close();
    if (root === null)
      throw new ParseError({ line: 1, at: null }, "no element Document of pacs.002 or pain.002 was found");
  } catch (error) {
    report.problems.push(problemOf(error, report.messageId));
  }
  return report;
}

function bodyOf(element: XmlElement): string {
  const [, kind = "", version] = /(pacs\.002|pain\.002)\.001\.(\d{2})/.exec(element.namespace) ?? [];
  const body = bodies[kind];
  if (body !== undefined && Number(version) >= VERSIONS.min && Number(version) <= VERSIONS.max) return body;
  const range = `${VERSIONS.min} to ${VERSIONS.max}`;
  const reason = `the namespace ${quoted(element.namespace)} is not pacs.002 or pain.002, version ${range}`;
  throw new ParseError({ line: element.line, at: element.path }, reason);
}

function readGroup(element: XmlElement, report: PaymentStatusReport): void {
  report.originalMessageId = textAt(element, "OrgnlMsgId");
  report.group = statusOf(element, "GrpSts");
}

function readPayment(element: XmlElement, report: PaymentStatusReport): void {
  const endToEndId = providedId(textAt(element, "OrgnlEndToEndId"));
  try {
    if (endToEndId === null)
      throw new ParseError({ line: element.line, at: element.path }, "nothing tells which payment is meant");
    requiredText(element, "TxSts");
    report.payments.push({ endToEndId, ...(statusOf(element, "TxSts") as StatusOf) });
  } catch (error) {
    report.problems.push(problemOf(error, endToEndId));
  }
}

function statusOf(element: XmlElement, name: string): StatusOf | null {
  const status = textAt(element, name);
  if (status === null) return null;
  const [reason = null] = findAll(element, "StsRsnInf").map((one) => textAt(one, "Rsn/Cd", "Rsn/Prtry", "AddtlInf"));
  return { status, reason };
}
