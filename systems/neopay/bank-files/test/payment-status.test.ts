import { expect, test } from "vitest";
import { parsePaymentStatus } from "../src/payment/payment-status.ts";

const transaction = (endToEndId: string, status: string, reason = "") =>
  `<TxInfAndSts><OrgnlEndToEndId>${endToEndId}</OrgnlEndToEndId><TxSts>${status}</TxSts>${reason}</TxInfAndSts>`;
const because = (code: string) => `<StsRsnInf><Rsn><Cd>${code}</Cd></Rsn></StsRsnInf>`;
const group = (status: string) =>
  `<OrgnlGrpInfAndSts><OrgnlMsgId>M0</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>${status}</OrgnlGrpInfAndSts>`;
const pacs002 = (inner: string, version = "10") =>
  `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.${version}"><FIToFIPmtStsRpt>
<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-11-21T12:00:00Z</CreDtTm></GrpHdr>${inner}</FIToFIPmtStsRpt></Document>`;
const pain002 = (inner: string) =>
  `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>S2</MsgId></GrpHdr>
${inner}</CstmrPmtStsRpt></Document>`;

test("pacs.002: each payment with its status, and the reason of a rejection", () => {
  const inner = group("<GrpSts>PART</GrpSts>") + transaction("A1", "ACSC") + transaction("A2", "RJCT", because("AC04"));
  expect(parsePaymentStatus(pacs002(inner))).toEqual({
    messageId: "S1",
    originalMessageId: "M0",
    group: { status: "PART", reason: null },
    payments: [
      { endToEndId: "A1", status: "ACSC", reason: null },
      { endToEndId: "A2", status: "RJCT", reason: "AC04" },
    ],
    problems: [],
  });
});

test("pain.002: payments lie below their payment information, whose status holds for all of them", () => {
  const inner = `${group("")}<OrgnlPmtInfAndSts><OrgnlPmtInfId>M0</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>
<StsRsnInf><Rsn><Prtry>holiday</Prtry></Rsn></StsRsnInf>${transaction("A1", "RJCT")}</OrgnlPmtInfAndSts>`;
  expect(parsePaymentStatus(pain002(inner))).toMatchObject({
    originalMessageId: "M0",
    group: { status: "RJCT", reason: "holiday" },
    payments: [{ endToEndId: "A1", status: "RJCT" }],
    problems: [],
  });
});

test("a payment that cannot be told, or has no status, is a problem, and the others are read", () => {
  const inner = transaction("NOTPROVIDED", "ACSC") + transaction("A1", "") + transaction("A2", "ACSC");
  const { payments, problems } = parsePaymentStatus(pacs002(inner));
  expect(payments).toMatchObject([{ endToEndId: "A2" }]);
  expect(problems).toMatchObject([
    { at: expect.stringContaining("TxInfAndSts"), reason: expect.stringContaining("which payment") },
    { at: expect.stringContaining("TxSts"), statementId: "A1" },
  ]);
});

test.each([
  ["another message", pacs002("").replace("pacs.002", "pacs.008"), /not pacs.002 or pain.002/],
  ["a version that is not known", pacs002("", "02"), /version 3 to 15/],
  ["a truncated one", pacs002("").slice(0, -20), /not well-formed|unclosed/i],
  ["a DOCTYPE", `<!DOCTYPE x>${pacs002("")}`, /DOCTYPE/],
  ["no XML", "hello", /well-formed|no element/],
])("%s is a problem", (_, content, reason) => {
  expect(parsePaymentStatus(content).problems).toMatchObject([{ reason: expect.stringMatching(reason) }]);
});
