import type { Handler } from "@banyan/kernel";
import type { AcquirerClient } from "../acquirer/client.ts";
import type { payments } from "../contract.ts";

/** What the service uses beside its store. */
export interface Uses {
  readonly acquirer: AcquirerClient;
}

/** What every workflow here can do. */
export type Flow = Parameters<Handler<typeof payments.expire, Uses>>[0];

/** Who moves the money of a method: our ledger's wallets, the card's acquirer, or the payer, at an ATM or with a QR code. */
export const railOf = { WALLET: "wallet", CC: "card", ATM: "push", QR: "push" } as const;

/** An acquirer that does not answer is asked so often; then what may have happened is undone. */
export const acquirerPatience = { attemptsMax: 6 };
