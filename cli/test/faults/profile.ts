import { randomInt } from "node:crypto";

const isFull = process.env.BANYAN_FAULTS === "full";

/** How hard the fault tests try. BANYAN_FAULTS=full is what the gate runs; the rest of us wait for less. */
export const profile = isFull
  ? { transferCount: 20_000, platformKills: 50, databaseKills: 10, subscriberKills: 20, timeoutMs: 1_800_000 }
  : { transferCount: 4_000, platformKills: 5, databaseKills: 3, subscriberKills: 4, timeoutMs: 300_000 };

/** Chooses the moments of a run; printed by each test, and taken from BANYAN_FAULTS_SEED to try them again. */
export const seed = Number(process.env.BANYAN_FAULTS_SEED ?? randomInt(2 ** 31));

/** A stream of its own per `purpose`, so that one more draw here does not move the moments there. */
export function randomOf(purpose: string): () => number {
  let state = seed;
  for (const letter of purpose) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193);
  // mulberry32 (Tommy Ettinger): 32 bits of state are plenty for choosing moments.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
