import type { Life } from "../time/timeline.ts";
import { Planned } from "../world/planned.ts";
import type { World } from "../world/world.ts";

/** What somebody outside does with a request: undefined, and it says nothing; `lateMs` is how long it takes to say it. */
export interface Reply<T> {
  readonly answer: T | undefined;
  readonly lateMs: number;
}

/** What whoever gets none says. */
export const noAnswer = "no answer";

const patienceMs = 2_000;
/** A request that comes a second time comes within this. */
const echoMs = 20_000;

/** One process's way to somebody outside, who has its own life: slow, lost there or back, or gone twice. Raises `Planned` where no answer comes. */
export function askOutside<T>(
  { world, from, to }: { readonly world: World; readonly from: Life; readonly to: Life },
  act: () => Reply<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { timeline, weather, dice } = world;
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Planned(noAnswer));
    timeline.after(patienceMs, from, "gives up", giveUp);
    signal?.addEventListener("abort", giveUp, { once: true });
    if (world.strikes(weather.echo)) timeline.after(dice.between(1, echoMs), to, "echo", () => void act());
    if (world.strikes(weather.loseRequest)) return;
    timeline.after(world.latencyMs(), to, "request", () => {
      const { answer, lateMs } = act();
      if (answer === undefined || world.strikes(weather.loseReply)) return;
      timeline.after(world.latencyMs() + lateMs, from, "answer", () => resolve(answer));
    });
  });
}
