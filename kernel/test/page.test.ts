import { pageOf } from "@banyan/kernel";
import { expect, test } from "vitest";

/** A list that is sorted by its rows themselves, as a handler reads it. */
function read(rows: readonly number[], { after = 0, limit }: { after?: number; limit: number }) {
  const found = rows.filter((row) => row > after).slice(0, limit + 1);
  return pageOf(found, limit, (last) => last);
}

test.each([1, 2, 3, 6, 7])("pages of %i give each row once and end with null", (limit) => {
  const rows = [1, 2, 3, 5, 8, 13];
  const seen: number[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { page, next } = read(rows, { after, limit });
    expect(page.length).toBeLessThanOrEqual(limit);
    seen.push(...page);
    after = next;
  }
  expect(seen).toEqual(rows);
});

test("a list of nothing is one page", () => {
  expect(read([], { limit: 3 })).toEqual({ page: [], next: null });
});
