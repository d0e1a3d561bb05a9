import { percentile } from "../row.ts";

/** Which side of the pair a process is, and where the other one is reached. */
export type Role = { role: "callee" | "caller"; address?: string };

const customer = (i: number) => ({
  id: 1_000 + i,
  name: `customer ${i}`,
  email: `customer${i}@example.test`,
  active: i % 2 === 0,
  score: i * 1.25,
  tags: ["alpha", "beta"],
});

/** What goes there and back. The large one is 10 KB of JSON. */
export const payloads = {
  small: { a: 1, b: 2 },
  large: { items: Array.from({ length: 90 }, (_, i) => customer(i)) },
};

export type PayloadName = keyof typeof payloads;

/** With many in flight, looking at the clock seldom is enough. */
const CALLS_PER_LOOK = 16;

/** What the answering side of each subject offers. */
export function calleeMethods(address: () => string) {
  return { address, cpuMicros };
}

/** What the calling side of each subject offers; `echo` sends the payload to the other process, which gives it back. */
export function echoCaller(echo: (payload: object) => Promise<unknown>) {
  return {
    once: (name: PayloadName) => echo(payloads[name]),
    cpuMicros,
    /** One call after the other: the middle of their durations, in microseconds. */
    alone: async (name: PayloadName, durationMs: number) => {
      const tookUs: number[] = [];
      const endMs = performance.now() + durationMs;
      for (let now = performance.now(); now < endMs; ) {
        await echo(payloads[name]);
        const then = performance.now();
        tookUs.push((then - now) * 1_000);
        now = then;
      }
      return percentile(tookUs, 0.5);
    },
    /** `width` loops, each with one call in flight. */
    inFlight: async (name: PayloadName, { width, durationMs }: { width: number; durationMs: number }) => {
      const startedMs = performance.now();
      let calls = 0;
      const loop = async () => {
        do {
          for (let i = 0; i < CALLS_PER_LOOK; i++) await echo(payloads[name]);
          calls += CALLS_PER_LOOK;
        } while (performance.now() - startedMs < durationMs);
      };
      await Promise.all(Array.from({ length: width }, loop));
      return { calls, perSecond: (calls * 1_000) / (performance.now() - startedMs) };
    },
  };
}

/** What this process has spent of its core. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
