import type { Store } from "@banyan/kernel/store";
import type { World } from "../world/world.ts";

/** Processes do not name a turn alike: each adds microseconds of its own, so that to the store it is another one. */
export function nameTurnsApart({ jobs, ...store }: Store, { dice }: World): Store {
  // Less than the way to the store takes: a turn of the future would not be kept at all.
  const ownUs = dice.whole(10, 39);
  return {
    ...store,
    jobs: {
      ...jobs,
      fire(job, turnAt) {
        const id = `${job.id.slice(0, -"Z".length)}0${ownUs}Z`;
        return jobs.fire({ ...job, id, dedupeKey: undefined }, turnAt + ownUs / 1_000);
      },
    },
  };
}

/** Each process counts its own runs, so that all together have as many times the limits as there are processes. */
export function limitEachAlone({ jobs, ...store }: Store, { weather: { processes } }: World): Store {
  return {
    ...store,
    jobs: {
      ...jobs,
      declare: (types) =>
        jobs.declare(
          types.map(({ rateLimit, concurrency, ...type }) => ({
            ...type,
            rateLimit: rateLimit && { ...rateLimit, runs: rateLimit.runs * processes },
            concurrency: concurrency && concurrency * processes,
          })),
        ),
    },
  };
}
