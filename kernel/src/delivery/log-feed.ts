import { eventOf } from "../log/cloud-event.ts";
import type { Log, LogConsumer, LogReceiver, Receipt, ReceivedMessage } from "../log/log.ts";
import type { Hearing, Store, StoredEvent } from "../store/store.ts";
import { type Feed, inFlightMax, keyOf, type Taker } from "./feed.ts";
import { relayName } from "./relay.ts";
import { Leadership } from "./term.ts";

/*
 * Brings events from a log to one who takes them.
 * F1  A message is acknowledged when its event is done, those of one key in order.
 * F2  A message that comes while an earlier copy of it is under way waits for that one's end.
 * F3  What the outbox still keeps for the service itself, from before there was a log, takes the way through the log.
 * F4  What is no event of ours is acknowledged and counted: it will never be one.
 * F5  What comes while the term ends is neither taken nor acknowledged: it comes again, to whoever leads next.
 */

const adoptMs = 30_000;

/** Of the messages under way, their bodies together: what is more waits in the log. */
const inFlightBytesMax = 64 * 1024 * 1024;

/** An event under way. */
interface Tracked {
  readonly event: StoredEvent;
  /** Of the message that brought it, and of its copies. */
  readonly receipts: Receipt[];
}

/** What a log feed tells of what it could not use. */
export type Refused = LogReceiver["refused"];

export class LogFeed implements Feed {
  private readonly store: Store;
  private readonly log: Log;
  private readonly hearing: Hearing & { readonly types: readonly string[] };
  private readonly taker: Taker;
  private readonly refused: Refused;
  private readonly tracked = new Map<string, Tracked>();
  private consumer: LogConsumer | null = null;
  /** What was done before `consume` had answered: an engine may send before it says that it will. */
  private readonly early: Receipt[] = [];
  private adopting: NodeJS.Timeout | null = null;
  private isLeading = false;
  /** Stands for the term under way, from before `consume` to the beginning of `close`. */
  private term: object | null = null;
  private readonly leadership: Leadership;

  constructor(
    store: Store,
    log: Log,
    {
      hearing,
      taker,
      refused,
    }: { readonly hearing: LogFeed["hearing"]; readonly taker: Taker; readonly refused: Refused },
  ) {
    this.store = store;
    this.log = log;
    this.hearing = hearing;
    this.taker = taker;
    this.refused = refused;
    this.leadership = new Leadership(store.outbox, hearing.service, {
      open: () => this.open(),
      close: () => this.close(),
    });
  }

  get leading(): boolean {
    return this.isLeading;
  }

  start(): void {
    this.leadership.start();
  }

  stop(): Promise<void> {
    return this.leadership.stop();
  }

  /** They come by the log. */
  offer(): void {}

  async backlog(): ReturnType<Feed["backlog"]> {
    const { service, types } = this.hearing;
    const count = await this.log.lag({ name: service, types });
    const oldest = Math.min(...[...this.tracked.values()].map(({ event }) => event.at));
    return { count, oldestMs: Number.isFinite(oldest) ? Math.max(0, Date.now() - oldest) : 0 };
  }

  async isSettled(): Promise<boolean> {
    return this.tracked.size === 0 && (await this.backlog()).count === 0;
  }

  private async open(): Promise<void> {
    const { service, types } = this.hearing;
    const term = {};
    this.term = term;
    this.taker.open((event) => this.done(event));
    await this.store.outbox.adopt(service, relayName);
    // A transaction that began before this, with another process, may still write for the service itself.
    this.adopting = setInterval(
      () => void this.store.outbox.adopt(service, relayName).catch(() => {}),
      adoptMs,
    ).unref();
    this.consumer = await this.log.consume(
      { name: service, types, from: "earliest", inFlightMax, inFlightBytesMax },
      {
        received: (messages) => {
          if (this.term === term) this.received(messages);
        },
        // What is under way goes on; its copies join it.
        lost: () => {},
        refused: this.refused,
      },
    );
    this.acknowledge(this.early.splice(0));
    this.isLeading = true;
  }

  private async close(): Promise<void> {
    this.isLeading = false;
    this.term = null;
    if (this.adopting !== null) clearInterval(this.adopting);
    try {
      await this.taker.close();
      await this.consumer?.close();
    } finally {
      // Whatever the engine said: what were left here would hold up the next term's.
      this.consumer = null;
      this.tracked.clear();
      this.early.length = 0;
    }
  }

  private received(messages: readonly ReceivedMessage[]): void {
    for (const message of messages) {
      const event = eventOf(message.body);
      if (typeof event === "string") this.refuse(message, event);
      else this.receive(event, message);
    }
  }

  private receive(event: StoredEvent, { id, receipt }: ReceivedMessage): void {
    const before = this.tracked.get(event.id);
    if (before !== undefined) before.receipts.push({ id, receipt });
    else if (this.taker.take(event, keyOf(event))) this.tracked.set(event.id, { event, receipts: [{ id, receipt }] });
    else this.acknowledge([{ id, receipt }]);
  }

  private refuse(message: ReceivedMessage, reason: string): void {
    this.refused(reason);
    this.acknowledge([message]);
  }

  private done({ id }: StoredEvent): void {
    const tracked = this.tracked.get(id);
    this.tracked.delete(id);
    if (tracked !== undefined) this.acknowledge(tracked.receipts);
  }

  private acknowledge(receipts: readonly Receipt[]): void {
    if (this.consumer === null) this.early.push(...receipts);
    else if (receipts.length > 0) this.consumer.acknowledge(receipts);
  }
}
