import { newTraceId } from "../call/ids.ts";
import type { Runtime } from "../call/runtime.ts";
import type { Log } from "../log/log.ts";
import type { OutboxEvent, Store } from "../store/store.ts";
import { Deliveries } from "./deliveries.ts";
import type { Feed } from "./feed.ts";
import { LogFeed } from "./log-feed.ts";
import { OutboxFeed } from "./outbox-feed.ts";
import { Relay, relayName } from "./relay.ts";
import type { Subscriber } from "./subscriber.ts";

/** How far deliveries are behind. */
export interface Lag {
  /** Events that some subscriber of a service here, or the log, has yet to get, and the age of the oldest. */
  readonly unsentCount: number;
  readonly oldestMs: number;
  /** Whether this process delivers to all of its services; the counts below are its own. */
  readonly leading: boolean;
  /** What waits in memory for its turn, and of that what waits for another try. */
  readonly subscribers: readonly {
    readonly subscriber: string;
    readonly queuedCount: number;
    readonly blockedCount: number;
  }[];
}

/** What brings the events of one process to where they are to go. */
export interface DispatcherOptions {
  readonly store: Store;
  readonly subscribers: readonly Subscriber[];
  /** Where events go and come from, where there is one; else the outbox brings them straight to the subscribers. */
  readonly log: Log | undefined;
}

/** Brings events from where they are stored to the subscribers of each service, by way of the log where there is one. */
export class Dispatcher {
  private readonly feeds: readonly Feed[];
  private readonly deliveries: readonly Deliveries[];

  constructor(runtime: Runtime, { store, subscribers, log }: DispatcherOptions) {
    const byService = [...Map.groupBy(subscribers, ({ service }) => service)].map(([service, all]) => ({
      hearing: { service, types: typesOf(all) },
      taker: new Deliveries(store, all),
    }));
    this.deliveries = byService.map(({ taker }) => taker);
    const { inspector, clock } = runtime;
    this.feeds =
      log === undefined
        ? byService.map((one) => new OutboxFeed(runtime, store, one))
        : [
            new OutboxFeed(runtime, store, {
              hearing: { service: relayName, types: "all" },
              taker: new Relay(store, log),
            }),
            ...byService.map((one) => {
              const { service } = one.hearing;
              const refused = (reason: string, count = 1) => {
                inspector.emit?.({ kind: "refused-message", service, reason, count, at: clock.now() });
                if (reason === "expired") runtime.reportFailure(service, missed(service, count), newTraceId());
              };
              return new LogFeed(store, log, { ...one, refused });
            }),
          ];
  }

  start(): void {
    for (const feed of this.feeds) feed.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.stop()));
  }

  /** Takes events that this process has just committed. */
  offer(events: readonly OutboxEvent[]): void {
    for (const feed of this.feeds) feed.offer(events);
  }

  async lag(): Promise<Lag> {
    const backlogs = await Promise.all(this.feeds.map((feed) => feed.backlog()));
    return {
      unsentCount: backlogs.reduce((sum, { count }) => sum + count, 0),
      oldestMs: Math.max(0, ...backlogs.map(({ oldestMs }) => oldestMs)),
      leading: this.feeds.every(({ leading }) => leading),
      subscribers: this.deliveries.flatMap((one) => one.waiting()),
    };
  }

  /** Whether nothing is on its way and nothing waits. */
  async isSettled(): Promise<boolean> {
    // One behind the other: what the relay has moved waits in the log.
    for (const feed of this.feeds) if (!(await feed.isSettled())) return false;
    return true;
  }
}

function missed(service: string, count: number): Error {
  return new Error(
    `as many as ${count} of the log's messages went before ${service} had read them; what was for it comes again by ` +
      "`npx banyan log republish --since TIME`, and with a longer horizon of the log this happens later or never",
  );
}

/** The types of the events that they take, each once. */
export function typesOf(subscribers: readonly Subscriber[]): string[] {
  return [...new Set(subscribers.flatMap(({ byType }) => [...byType.keys()]))];
}
