import { type Spread, transfer } from "./transfers.ts";

let last = 0;

/** The next request's body, one transfer or as many as `perRequest`, and an idempotency key of its own. */
export function nextBody({ name, spread, perRequest }: { name: string; spread: Spread; perRequest: number }) {
  const first = last;
  last += perRequest;
  const transfers = Array.from({ length: perRequest }, (_, index) => transfer(name, first + index, spread));
  const body = perRequest === 1 ? transfers[0] : { transactions: transfers, atomic: false };
  return { body: JSON.stringify(body), key: `${name}-${first}` };
}
