import type { Sent } from "@banyan/kernel";
import type { ledger } from "@banyan/neopay-ledger/contract";

type Movement = Sent<typeof ledger.post>;
type Posting = Movement["postings"][number];

/** The example IBAN of ISO 13616: nobody's. */
export const bankAccount = "DE89370400440532013000";
/** Today: what the day's payout does, it does now. */
export const day = new Date().toISOString().slice(0, 10);

const world = "world:bank:EUR";
const bank = `bank:${bankAccount}`;
/** The counterpart of what customers may ask back: its negative is what is owed to wallets, merchants and fees. */
const owed = "world:owed:EUR";
const alice = "users:alice:wallet";
const bob = "users:bob:wallet";
const acme = "merchants:acme:settlement";
const fees = "fees:acme";

/** What the day needs; only the outside world may be overdrawn. */
export const accounts = [world, owed, bank, alice, bob, acme, fees].map((address) => ({
  address,
  currency: "EUR",
  floorMinor: address.startsWith("world:") ? null : 0,
}));

const at = (time: string) => `${day}T${time}:00Z`;
const move = (source: string, destination: string, amountMinor: number): Posting => {
  return { source, destination, amountMinor, currency: "EUR" };
};

/** Money comes in at the bank, and somebody may ask for it from now on. */
const received = (reference: string, time: string, shares: readonly (readonly [string, number])[]): Movement => {
  const sum = shares.reduce((total, [, amountMinor]) => total + amountMinor, 0);
  const postings = [move(world, bank, sum), ...shares.map(([who, amountMinor]) => move(owed, who, amountMinor))];
  return { reference, effectiveAt: at(time), postings };
};

/** A wallet pays Acme; 2.9 % of it is the fee. */
const sold = (
  reference: string,
  time: string,
  sale: { payer: string; netMinor: number; feeMinor: number },
): Movement => {
  const postings = [move(sale.payer, acme, sale.netMinor), move(sale.payer, fees, sale.feeMinor)];
  return { reference, effectiveAt: at(time), postings, metadata: { method: "WALLET" } };
};

/** Before noon, in order: wallets are topped up, the shop opens, the card company pays, a customer gets money back. */
export const morning: readonly Movement[] = [
  received("TOPUP-1001", "08:05", [[alice, 100_00]]),
  received("TOPUP-1002", "08:20", [[bob, 60_00]]),
  sold("SALE-2001", "09:12", { payer: alice, netMinor: 4_66, feeMinor: 14 }),
  sold("SALE-2002", "09:40", { payer: bob, netMinor: 12_14, feeMinor: 36 }),
  received(`CARDS-${day}`, "10:30", [
    [acme, 82_53],
    [fees, 2_47],
  ]),
  {
    reference: "REFUND-2002",
    effectiveAt: at("11:15"),
    postings: [move(acme, bob, 2_50)],
    metadata: { refunds: "SALE-2002" },
  },
];

/** Alice orders for a party: 40.00 are held, 32.50 are taken in the end, the rest is released. */
export const deposit = {
  reference: "DEPOSIT-3001",
  source: alice,
  destination: acme,
  amountMinor: 40_00,
  currency: "EUR",
};
export const depositTakenMinor = 32_50;

/** In the evening Acme gets all that it has. */
export const paidOutMinor = 129_33;

/** Where Acme wants its money; the example IBAN of the United Kingdom, and nobody's. */
export const beneficiary = { merchant: "acme", currency: "EUR", name: "Acme", account: "GB82WEST12345698765432" };
