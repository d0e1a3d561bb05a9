/**
 * The answer of a list that is read by `after` and `limit`. `found` is what was asked for with one row more than `limit`, which tells whether
 * another page follows: `next` is then the place of the last row of this one, else null. Where no two rows have one place and the rows are
 * sorted by it, pages have neither gaps nor duplicates:
 *
 *     const found = await ctx.sql<Order>`SELECT id, item FROM orders WHERE id > ${after} ORDER BY id LIMIT ${limit + 1}`;
 *     const { page, next } = pageOf(found, limit, ({ id }) => id);
 *     return { orders: page, next };
 */
export function pageOf<Row, Place>(
  found: readonly Row[],
  limit: number,
  placeOf: (last: Row) => Place,
): { readonly page: Row[]; readonly next: Place | null } {
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { page, next: last !== undefined && found.length > limit ? placeOf(last) : null };
}
