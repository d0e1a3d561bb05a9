import { mutants } from "../mutants/mutants.ts";
import { installVirtualGlobals } from "../time/globals.ts";
import { playSchedule, soundWiring, type Verdict } from "../world/schedule.ts";
import type { Assignment, Played } from "./pool.ts";

/* A child that plays schedules, one after the other, and tells of each assignment when it is done. */

const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => {
  unhandled.push(`a rejection that nobody handled, which would end the process: ${reason}`);
});
process.on("disconnect", () => process.exit());
installVirtualGlobals();

process.on("message", (assignment: Assignment) => void play(assignment));

async function play({ firstSeed, count, mutant }: Assignment): Promise<void> {
  const wiring = mutant === undefined ? soundWiring : (mutants[mutant] ?? soundWiring);
  const verdicts: Verdict[] = [];
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const verdict = await playSchedule(seed, wiring);
    verdicts.push({ ...verdict, problems: [...unhandled.splice(0), ...verdict.problems] });
  }
  const played: Played = { firstSeed, verdicts };
  process.send?.(played);
}
