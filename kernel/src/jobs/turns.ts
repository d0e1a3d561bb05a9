import { Cron } from "croner";
import type { Schedule } from "../contract/action.ts";

/** The instants of a schedule, in milliseconds since 1970. */
export interface Turns {
  /** The last one at or before `at`; undefined where there was none. */
  latest(at: number): number | undefined;
  /** The first one after `at`; undefined where none will come. */
  next(at: number): number | undefined;
}

/** Throws where the schedule says nothing that will ever come. */
export function turnsOf(schedule: Schedule): Turns {
  if ("everyMs" in schedule) {
    const { everyMs } = schedule;
    if (!(everyMs >= 1)) throw new Error(`everyMs is ${everyMs}; it counts milliseconds, from 1`);
    const latest = (at: number) => Math.floor(at / everyMs) * everyMs;
    return { latest, next: (at) => latest(at) + everyMs };
  }
  const { cron, timeZone = "UTC" } = schedule;
  const turns = new Cron(cron, { timezone: timeZone, mode: "5-part", paused: true });
  if (turns.nextRun() === null) throw new Error(`"${cron}" names a time that never comes`);
  return {
    // It answers what lies before a whole second, and turns are whole minutes.
    latest: (at) => turns.previousRuns(1, new Date(Math.floor(at / 1_000) * 1_000 + 1_000))[0]?.getTime(),
    next: (at) => turns.nextRun(new Date(at))?.getTime(),
  };
}
