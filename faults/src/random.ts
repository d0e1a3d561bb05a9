/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/** Mulberry32 (Tommy Ettinger, 2017), seeded by FNV-1a of the seed and a purpose, so that purposes do not share numbers. */
export function randomOf(seed: number, purpose: string): Random {
  let state = seed >>> 0;
  for (let index = 0; index < purpose.length; index++) state = Math.imul(state ^ purpose.charCodeAt(index), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
