import type { Course } from "./insight-store.ts";

/**
 * How many of a funnel's steps somebody did in their order, with no more than `withinMs` from the first to the last that counts. One
 * event is one step. Of several beginnings the latest is followed, which leaves the most time.
 */
export function furthestStep(steps: readonly string[], { names, at }: Course, withinMs: number): number {
  /** When the chain began that has come so far; undefined where none has. */
  const beganAt: (number | undefined)[] = steps.map(() => undefined);
  let furthest = 0;
  for (const [index, name] of names.entries()) {
    const now = at[index] as number;
    // From the last step to the first, so that one event cannot be two steps.
    for (let step = steps.length - 1; step >= 0; step--) {
      if (steps[step] !== name) continue;
      const began = step === 0 ? now : beganAt[step - 1];
      if (began === undefined || now - began > withinMs) continue;
      beganAt[step] = began;
      furthest = Math.max(furthest, step + 1);
    }
  }
  return furthest;
}
