import type { Start } from "../slices.ts";
import type { Running, Subject } from "../subject-process.ts";

/** Both sides of a subject: two processes, each with a core for itself where there are two. */
export type Pair = { subject: Subject; callee: Running; caller: Running };

/** Starts the side that answers, then the one that calls it. */
export async function openPair(subject: Subject, start: Start): Promise<Pair> {
  const side = (options: object) => ({ ...subject, options: { ...subject.options, ...options } });
  const callee = await start(side({ role: "callee" }), 0);
  const caller = await start(side({ role: "caller", address: await callee.ask<string>("address") }), 1);
  return { subject, callee, caller };
}

/** What both sides have spent so far, in microseconds. */
export async function cpuMicrosOf({ callee, caller }: Pair): Promise<number> {
  return (await callee.ask<number>("cpuMicros")) + (await caller.ask<number>("cpuMicros"));
}
