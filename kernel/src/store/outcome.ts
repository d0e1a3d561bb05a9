import type { FaultRecord } from "../contract/fault.ts";

/** JSON text of the result, so that a replay sends the bytes that were sent first. */
export type Outcome = { readonly result: string } | { readonly fault: FaultRecord };
