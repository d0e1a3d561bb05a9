import { implement } from "@banyan/kernel";
import { ledger } from "@banyan/neopay-ledger/contract";
import { approveMerchant } from "./approve-merchant.ts";
import { changeTerms } from "./change-terms.ts";
import { merchants } from "./contract.ts";
import { revokeKey, rotateKey } from "./key/change-key.ts";
import { createKey } from "./key/create-key.ts";
import { findHolder, listKeys, verifySignature } from "./key/read-keys.ts";
import { onboardMerchant } from "./onboard-merchant.ts";
import { findMerchant, listMerchants } from "./read-merchant.ts";
import { suspendMerchant } from "./suspend-merchant.ts";

/** Merchants; their accounts are the ledger's. */
export const merchantsService = implement(merchants, {
  migrations: new URL("../sql/", import.meta.url),
  after: [ledger],
  commands: { onboard: onboardMerchant, suspend: suspendMerchant, changeTerms, createKey, rotateKey, revokeKey },
  queries: { find: findMerchant, list: listMerchants, keys: listKeys, keyHolder: findHolder, verifySignature },
  workflows: { approve: approveMerchant },
});
