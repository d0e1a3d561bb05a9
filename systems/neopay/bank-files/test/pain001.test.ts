import { expect, test } from "vitest";
import { parsePain001 } from "../src/payment/pain001.ts";

const transfer = (id: string, amount = "10", currency = "EUR"): string =>
  `<CdtTrfTxInf><PmtId><EndToEndId>${id}</EndToEndId></PmtId><Amt><InstdAmt Ccy="${currency}">${amount}</InstdAmt></Amt>
<Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><IBAN>NL56AGDH9619008421</IBAN></Id></CdtrAcct><RmtInf><Ustrd>Invoice</Ustrd></RmtInf></CdtTrfTxInf>`;
const information = (transfers: string, day = "<Dt>2026-02-01</Dt>"): string =>
  `<PmtInf><PmtInfId>P1</PmtInfId><ReqdExctnDt>${day}</ReqdExctnDt><Dbtr><Nm>Payer</Nm></Dbtr>
<DbtrAcct><Id><Othr><Id>50000970</Id></Othr></Id></DbtrAcct>${transfers}</PmtInf>`;
const document = (body: string, { count = "", sum = "", version = "09" } = {}): string =>
  `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.${version}"><CstmrCdtTrfInitn><GrpHdr><MsgId>M1</MsgId>
${count && `<NbOfTxs>${count}</NbOfTxs>`}${sum && `<CtrlSum>${sum}</CtrlSum>`}</GrpHdr>${body}</CstmrCdtTrfInitn></Document>`;

test.each(["03", "04", "05", "06", "07", "08", "09"])(
  "version %s is read, its date plain or as a choice",
  (version) => {
    const day = Number(version) >= 8 ? "<Dt>2026-02-01</Dt>" : "2026-02-01";
    expect(parsePain001(document(information(transfer("E1"), day), { count: "1", sum: "10.00", version }))).toEqual({
      messageId: "M1",
      problems: [],
      payments: [
        {
          messageId: "M1",
          position: 1,
          paymentInformationId: "P1",
          endToEndId: "E1",
          instructionId: null,
          uetr: null,
          amountMinor: 1_000,
          currency: "EUR",
          requestedOn: "2026-02-01",
          debtor: { name: "Payer", account: "50000970" },
          creditor: { name: "Payee", account: "NL56AGDH9619008421" },
          remittance: ["Invoice"],
        },
      ],
    });
  },
);

test("the control sum adds amounts of every currency", () => {
  const body =
    information(transfer("E1", "10.5")) + information(transfer("E2", "7", "JPY") + transfer("E3", "0.125", "KWD"));
  const { payments, problems } = parsePain001(document(body, { count: "3", sum: "17.625" }));
  expect(problems).toEqual([]);
  expect(payments.map(({ amountMinor }) => amountMinor)).toEqual([1_050, 7, 125]);
});

test.each([
  [{ count: "3" }, /NbOfTxs says 3, 2 are there/],
  [{ count: "2", sum: "20.01" }, /CtrlSum says 20.01/],
  [{ sum: "twenty" }, /CtrlSum says twenty/],
])("a message that contradicts itself by %j is refused whole", (controls, reason) => {
  const { payments, problems } = parsePain001(document(information(transfer("E1") + transfer("E2")), controls));
  expect(payments).toEqual([]);
  expect(problems).toMatchObject([
    { statementId: "E1", reason: expect.stringMatching(reason) },
    { statementId: "E2", reason: expect.stringMatching(reason) },
  ]);
});

test.each([
  ["an amount too precise", transfer("BAD", "1.001"), /more digits/],
  ["an amount of zero", transfer("BAD", "0.00"), /payment of nothing/],
  ["no amount", transfer("BAD").replace(/<Amt>.*<\/Amt>/, ""), /lacks Amt\/InstdAmt/],
])("%s refuses that payment alone", (_, bad, reason) => {
  const { payments, problems } = parsePain001(
    document(information(transfer("E1") + bad + transfer("E3")), { count: "3", sum: "99" }),
  );
  expect(payments.map(({ endToEndId }) => endToEndId)).toEqual(["E1", "E3"]);
  expect(problems).toMatchObject([{ statementId: "BAD", reason: expect.stringMatching(reason) }]);
});

test("a truncated message keeps the payments before the cut", () => {
  const whole = document(information(transfer("E1") + transfer("E2")), { count: "2" });
  const { payments, problems } = parsePain001(whole.slice(0, whole.indexOf("E2") + 1));
  expect(payments.map(({ endToEndId }) => endToEndId)).toEqual(["E1"]);
  expect(problems).toMatchObject([{ statementId: "M1", reason: expect.stringContaining("not well-formed") }]);
});

test("another message is refused by its namespace", () => {
  expect(parsePain001(document("", { version: "02" })).problems).toMatchObject([{ at: "Document" }]);
  expect(parsePain001("").problems).toHaveLength(1);
});
