import { type App, createApp } from "@banyan/kernel/app";
import { type Store, storeFaults } from "@banyan/kernel/store";
import { afterEach } from "vitest";
import { type Behaviour, orders, ordersServices } from "./orders.ts";

/** What the suite needs of the store that it holds to its promises. */
export interface WorkflowHarness {
  /** A new store on the same data: what a process has after a restart. */
  readonly store: () => Store;
  readonly close: () => Promise<void>;
}

/** An application of the suite, and a way to cut it off as a crash would. */
export interface Started {
  readonly app: App;
  readonly behaviour: Behaviour;
  readonly reported: unknown[];
  /** From now on its store does not answer, and what it holds is for others to take over. */
  crash(): void;
  /** From now on its leases run out, while it works on. */
  forgetLeases(): void;
  /** Another process on the same data, with handlers of its own. */
  another(given?: Partial<Behaviour>): Promise<Started>;
}

export type Start = (given?: Partial<Behaviour>) => Promise<Started>;

const leaseMs = 200;

export function openWorkflows(open: () => Promise<WorkflowHarness>): Start {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function start(data: WorkflowHarness, effects: string[], given: Partial<Behaviour>): Promise<Started> {
    const place: Behaviour["place"] = async () => ({ said: "nothing" });
    const pack = place as Behaviour["pack"];
    const behaviour: Behaviour = { contract: orders, now: Date.now, place, pack, effects, onTake: () => {}, ...given };
    const reported: unknown[] = [];
    const { store, crash, forgetLeases } = crashing(data.store());
    const app = createApp({
      services: ordersServices(behaviour),
      store,
      workflows: { leaseMs },
      clock: { now: () => behaviour.now(), monotonic: () => performance.now() },
      report: (error) => reported.push(error),
    });
    ends.push(() => app.stop({ deadlineMs: 200 }));
    await app.start();
    return { app, behaviour, reported, crash, forgetLeases, another: (other = {}) => start(data, effects, other) };
  }

  return async (given = {}) => {
    const data = await open();
    ends.push(data.close);
    return start(data, [], given);
  };
}

/** The store, which stops answering: the process is as good as dead, and its leases run out; or it does not care for its leases any more. */
function crashing(store: Store): { readonly store: Store; crash(): void; forgetLeases(): void } {
  let isDown = false;
  let isForgetful = false;
  const down = <T extends (...args: never[]) => unknown>(call: T): T =>
    ((...args: never[]) => (isDown ? Promise.reject(storeFaults.unavailable()) : call(...args))) as T;
  const guarded = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([name, value]) => [
        name,
        typeof value === "function" && name !== "onAnnounced" ? down(value) : value,
      ]),
    ) as T;
  // One that took its own runs over again would keep them from others.
  const mindful = <T extends (...args: never[]) => unknown>(call: T): T =>
    ((...args: never[]) => (isForgetful ? Promise.reject(storeFaults.unavailable()) : call(...args))) as T;
  const jobs = guarded(store.jobs);
  const mindfulJobs = { ...jobs, renew: mindful(jobs.renew), claim: mindful(jobs.claim), lease: mindful(jobs.lease) };
  const beginCommands: Store["beginCommands"] = (keys, budget) => {
    const transaction = store.beginCommands(keys, budget);
    return { ...transaction, commit: down(transaction.commit), refuse: down(transaction.refuse) };
  };
  return {
    store: { ...store, beginCommands, jobs: mindfulJobs, runs: guarded(store.runs) },
    crash: () => {
      isDown = true;
    },
    forgetLeases: () => {
      isForgetful = true;
    },
  };
}
