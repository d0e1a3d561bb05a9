/** One event as an SDK sends it, but for its id, about 300 bytes. */
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

/** A hundred events in one body, which get their ids when they come in. */
export const batchCount = 100;
export const batch = JSON.stringify({ batch: Array.from({ length: batchCount }, (_, at) => numbered(at)) });

const texts = Array.from({ length: people }, (_, number) => JSON.stringify(numbered(number)));

/**
 * A body of its own for each request of the load generator, of one event or a batch of as many as `perRequest`, known by ids as SDKs send
 * them: at random, so that keys of neighbours lie apart. None of them has an Idempotency-Key.
 */
export function nextBody({ perRequest }: { readonly perRequest: number }): { readonly body: string } {
  const fresh = () => {
    const text = texts[Math.floor(Math.random() * people)] as string;
    return `${text.slice(0, -1)},"messageId":"${crypto.randomUUID()}"}`;
  };
  return { body: perRequest === 1 ? fresh() : `{"batch":[${Array.from({ length: perRequest }, fresh).join()}]}` };
}
