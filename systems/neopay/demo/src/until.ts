import { setTimeout as pause } from "node:timers/promises";

const pauseMs = 20;
const triesMax = 500;

/** Asks until something is answered, for ten seconds at least; throws an error that says what did not come. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < triesMax; tries++) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(pauseMs);
  }
  throw new Error(`${what} did not come within ${triesMax * pauseMs} ms`);
}
