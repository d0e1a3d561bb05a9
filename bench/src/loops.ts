/** A call as a subject offers it for measuring. */
export type Call = () => Promise<unknown>;

/** Looking at the clock costs about as much as a fast call, so a lone loop looks once per this many calls. */
const CALLS_PER_LOOK = 1_000;
/** With many loops in flight each looks for itself, and all of them together still look seldom. */
const CALLS_PER_LOOK_IN_FLIGHT = 16;

/** What a subject of the call area answers: its result once, and calls per second, one at a time or `width` in flight. */
export function callLoops(call: Call) {
  return {
    result: call,
    sequential: (durationMs: number) => perSecond(() => repeat(call, CALLS_PER_LOOK), 1, durationMs),
    inFlight: (width: number, durationMs: number) =>
      perSecond(() => repeat(call, CALLS_PER_LOOK_IN_FLIGHT), width, durationMs),
  };
}

async function repeat(call: Call, times: number): Promise<number> {
  for (let i = 0; i < times; i++) await call();
  return times;
}

/** Operations per second of `width` loops; each runs `some`, which resolves to how many it did, until the time is over. */
export async function perSecond(some: () => Promise<number>, width: number, durationMs: number): Promise<number> {
  const startedMs = performance.now();
  let done = 0;
  const loop = async () => {
    do {
      const more = await some();
      done += more;
    } while (performance.now() - startedMs < durationMs);
  };
  await Promise.all(Array.from({ length: width }, loop));
  return (done * 1_000) / (performance.now() - startedMs);
}
