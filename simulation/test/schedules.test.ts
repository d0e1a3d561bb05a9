import { expect, test } from "vitest";
import { mutants } from "../src/mutants/mutants.ts";
import { playCampaign, type Tally } from "../src/run/pool.ts";

/** CI plays 5,840 beside this: `npm run simulate`. */
const schedules = 120;
/** A mutant that survives more seeds than this is not seen. */
const seedsMost = 50;
const slowMs = 240_000;

/** In children, as the command does: their time is not ours. */
function play(
  firstSeed: number,
  count: number,
  part: { readonly mutant?: string; readonly failuresMax?: number } = {},
) {
  return playCampaign({ firstSeed, count, processes: 1, mutant: part.mutant, failuresMax: part.failuresMax ?? 1 });
}

function digestsOf({ steps, operations, virtualMs, digests }: Tally): object {
  return { steps, operations, virtualMs, digests };
}

test("every promise is kept in every schedule", { timeout: slowMs }, async () => {
  const { failures, played } = await play(1, schedules);
  expect(failures).toEqual([]);
  expect(played).toBe(schedules);
});

test("a seed plays the same steps again, wherever and after whatever it is played", { timeout: slowMs }, async () => {
  const [first, again] = [await play(31, 8), await play(31, 8)];
  expect(digestsOf(again)).toEqual(digestsOf(first));
  const alone = await play(37, 1);
  expect(alone.digests).toEqual(first.digests.slice(6, 7));
});

for (const mutant of Object.keys(mutants)) {
  test(`a world with ${mutant} fails within ${seedsMost} seeds`, { timeout: slowMs }, async () => {
    const { failures } = await play(1, seedsMost, { mutant });
    expect(failures.length).toBeGreaterThan(0);
    expect(failures[0]?.problems.length).toBeGreaterThan(0);
  });
}
