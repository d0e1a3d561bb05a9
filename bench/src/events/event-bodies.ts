/** One event as an SDK sends it, about 300 bytes; in a batch without an id, which each gets when it comes in. */
const event = {
  type: "track",
  event: "Order Completed",
  anonymousId: "507f191e-810c-4197-29de-860ea0b1c2d3",
  timestamp: "2026-11-20T10:00:00.000Z",
  properties: { orderId: "50314b8e9bcf", total: 27.5, currency: "EUR", products: [{ sku: "G-32", price: 18.99 }] },
  context: { ip: "203.0.113.7", locale: "en-GB", library: { name: "bench", version: "1.0.0" } },
};

/** People, so that events spread over the partitions. */
const people = 64;

function numbered(number: number): object {
  return { ...event, anonymousId: `person-${number % people}` };
}

/** A hundred events in one body. */
export const batchCount = 100;
export const batch = JSON.stringify({ batch: Array.from({ length: batchCount }, (_, at) => numbered(at)) });

/** A body of its own for each request of the load generator, known by its id, as SDKs send it: none of them has an Idempotency-Key. */
export function nextBody(): { readonly body: string } {
  const number = Math.floor(Math.random() * people);
  return { body: JSON.stringify({ ...numbered(number), messageId: crypto.randomUUID() }) };
}
