import { implement } from "@banyan/kernel";
import { fx } from "./contract.ts";
import { convert } from "./convert.ts";
import { postConversion } from "./post-conversion.ts";
import { findQuote, makeQuote } from "./quote.ts";
import { readConversion, readPositions } from "./read-conversions.ts";
import { setRate } from "./set-rate.ts";

/** Foreign exchange on the service's own tables; money moves in the ledger alone. */
export const fxService = implement(fx, {
  migrations: new URL("../sql/", import.meta.url),
  commands: { setRate, quote: makeQuote, convert },
  queries: { findQuote, conversion: readConversion, positions: readPositions },
  jobs: { post: postConversion },
});
