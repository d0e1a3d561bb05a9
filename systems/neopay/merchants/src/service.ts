import { implement } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { approveMerchant } from "./approve-merchant.ts";
import { changeTerms } from "./change-terms.ts";
import { merchants } from "./contract.ts";
import { onboardMerchant } from "./onboard-merchant.ts";
import { findMerchant, listMerchants, verifySignature } from "./read-merchant.ts";
import { suspendMerchant } from "./suspend-merchant.ts";

/** Merchants; their accounts are the ledger's. */
export const merchantsService = implement(merchants, {
  migrations: new URL("../sql/", import.meta.url),
  after: [ledger],
  commands: { onboard: onboardMerchant, suspend: suspendMerchant, changeTerms },
  queries: { find: findMerchant, list: listMerchants, verifySignature },
  workflows: { approve: approveMerchant },
});
