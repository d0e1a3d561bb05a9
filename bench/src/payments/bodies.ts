let last = 0;

/** The next capture, of one of the payments by turns, under a key of its own. */
export function nextBody({ ids, name }: { ids: readonly string[]; name: string }) {
  const number = last++;
  return {
    path: `/v1/payments/${ids[number % ids.length]}/capture`,
    body: JSON.stringify({ amountMinor: 1_00 }),
    key: `${name}-${number}`,
  };
}
