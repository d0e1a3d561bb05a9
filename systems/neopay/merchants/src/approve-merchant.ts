import type { Handler } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { merchants } from "./contract.ts";
import { setStatus } from "./merchant.ts";

/** The accounts come first: a merchant that may collect has somewhere to be paid. */
export const approveMerchant: Handler<typeof merchants.approve> = async (flow, { code }) => {
  const { currency, feePlan } = await flow.call("look", merchants.find, { code });
  const addresses = [`merchants:${code}:settlement`, ...feePlan.shares.map(({ account }) => account)];
  await Promise.all(
    addresses.map((address) =>
      flow.call(`open ${address}`, ledger.openAccount, { address, currency }).catch((error: unknown) => {
        // Approved before, or shared with other merchants.
        if (!ledger.faults.accountExists.is(error)) throw error;
      }),
    ),
  );
  return await flow.transaction("approve", async (tx) => {
    const merchant = await setStatus(tx.sql, { tenant: tx.identity.tenant, code }, "approved");
    if (merchant === undefined) throw flow.faults.merchantNotFound({ code });
    tx.emit(merchants.changed, merchant);
    tx.invalidate(code);
    return merchant;
  });
};
