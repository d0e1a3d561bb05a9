import { expect, test } from "vitest";
import { isIban, looksLikeIban } from "../src/payment/iban.ts";
import { parsePain001 } from "../src/payment/pain001.ts";
import { type CreditTransferInitiation, writePain001 } from "../src/payment/write-pain001.ts";

const iban = "DE89370400440532013000";
const transfer = (endToEndId: string, amountMinor: number) => ({
  endToEndId,
  amountMinor,
  creditor: { name: 'Žižka & synové <"s.r.o.">', account: "CZ6508000000192000145399", bic: "GIBACZPX" },
  remittance: "Payout acme & co",
});
const initiation = (given: Partial<CreditTransferInitiation> = {}): CreditTransferInitiation => ({
  messageId: "0".repeat(32),
  createdAt: new Date("2026-11-21T12:00:00Z"),
  requestedOn: "2026-11-23",
  currency: "EUR",
  debtor: { name: "NeoPay", account: iban, bic: null },
  transfers: [transfer("A1", 12_34), transfer("A2", 5)],
  ...given,
});

test("what is written is what another program reads, control sums and all", () => {
  const { payments, problems, messageId } = parsePain001(writePain001(initiation()));
  expect(problems).toEqual([]);
  expect(messageId).toBe("0".repeat(32));
  expect(payments).toMatchObject([
    {
      endToEndId: "A1",
      amountMinor: 12_34,
      currency: "EUR",
      requestedOn: "2026-11-23",
      debtor: { name: "NeoPay", account: iban },
      creditor: { name: 'Žižka & synové <"s.r.o.">', account: "CZ6508000000192000145399" },
      remittance: ["Payout acme & co"],
    },
    { endToEndId: "A2", amountMinor: 5 },
  ]);
});

test.each([
  ["EUR", "12.39"],
  ["JPY", "1239"],
  ["KWD", "1.239"],
])("the control sum has the digits of %s, in the header and in the payment information", (currency, sum) => {
  const xml = writePain001(initiation({ currency }));
  expect(xml.match(/<NbOfTxs>2<\/NbOfTxs><CtrlSum>([\d.]+)<\/CtrlSum>/g)).toEqual(
    Array(2).fill(`<NbOfTxs>2</NbOfTxs><CtrlSum>${sum}</CtrlSum>`),
  );
});

test("the control sum is exact beyond what one amount can be", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const xml = writePain001(
    initiation({ transfers: [transfer("A1", most), transfer("A2", most), transfer("A3", most)] }),
  );
  expect(xml).toContain("<CtrlSum>270215977642229.73</CtrlSum>");
});

test("an account that is no IBAN, and a bank that nobody named, are written as ISO 20022 has them", () => {
  const xml = writePain001(initiation({ debtor: { name: "N", account: "12345678", bic: null } }));
  expect(xml).toContain("<DbtrAcct><Id><Othr><Id>12345678</Id></Othr></Id><Ccy>EUR</Ccy></DbtrAcct>");
  expect(xml).toContain("<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>");
});

test("an IBAN is known by its check digits", () => {
  for (const good of [iban, "GB82WEST12345698765432", "CZ6508000000192000145399", "MT84MALT011000012345MTLCAST001S"]) {
    expect(isIban(good)).toBe(true);
  }
  for (const bad of [
    "DE89370400440532013001",
    "DE98370400440532013000",
    "de89370400440532013000",
    "DE89 3704",
    "12345678",
  ]) {
    expect(isIban(bad)).toBe(false);
  }
  expect(looksLikeIban("DE89370400440532013001")).toBe(true);
  expect(looksLikeIban("12345678")).toBe(false);
});
