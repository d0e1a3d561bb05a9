/** Rate limits that are counted as always and never reached: a load generator is one caller. */
const rate = { count: 1_000_000_000, windowMs: 60_000 };
export const unlimited = { perSubject: rate, perAddress: rate };
