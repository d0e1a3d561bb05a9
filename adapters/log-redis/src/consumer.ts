import { setTimeout as delay } from "node:timers/promises";
import {
  type ConsumeOptions,
  type LogConsumer,
  type LogReceiver,
  logFaults,
  Progress,
  type Receipt,
  type ReceivedMessage,
} from "@banyan/kernel/log";
import { type Entry, messageOf, typeOf } from "./entry.ts";
import type { Place } from "./groups.ts";
import type { Server } from "./server.ts";
import { messageBytesMax, type Session } from "./session.ts";

const againAfterMs = 250;

/** As many entries at once: enough that round trips do not matter. */
const entriesMax = 200;

/** So long a read waits in Redis for something new, and so long beyond it for its answer. */
const blockMs = 2_000;
const answerWithinMs = 3_000;

/** While little room is left, so long for more of it: a read of one entry costs as much as one of many. */
const roomAfterMs = 2;

/** One connection's reading, from a group's place on. */
interface Reading {
  readonly server: Server;
  readonly progress: Progress<Place>;
  last: Place;
}

interface OwnOptions extends ConsumeOptions {
  readonly onClose: () => void;
}

/**
 * One consumer of a group, over a connection of its own.
 *
 * 1. It reads from the group's place on, which is behind everything that was acknowledged without a gap: what another consumer
 *    held when it died comes first, and in order (G4).
 * 2. A read asks for no more than there is room for, were every entry as large as one of ours can be (G5): Redis knows no bound by bytes.
 *    Entries of other types take none: they are passed by.
 * 3. Whatever ends its reading, it begins again at the group's place until it is closed (G6).
 */
export class Consumer implements LogConsumer {
  private readonly session: Session;
  private readonly options: OwnOptions;
  private readonly types: ReadonlySet<string>;
  private readonly receiver: LogReceiver;
  private readonly ending = new AbortController();
  private current: Reading | null = null;
  private onRoom: () => void = () => {};

  constructor(session: Session, options: OwnOptions, receiver: LogReceiver) {
    this.session = session;
    this.options = options;
    this.types = new Set(options.types);
    this.receiver = receiver;
  }

  /** Raises `log.unavailable`. */
  async begin(): Promise<void> {
    const { session, options } = this;
    const server = session.another();
    await server.connect();
    try {
      const last = await session.groups.place(options);
      const write = (floor: Place, beyond: number) => this.move(floor, beyond);
      if (this.ending.signal.aborted) return server.close();
      this.current = { server, progress: new Progress({ floor: last, write }), last };
      void this.read(this.current);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  acknowledge(messages: readonly Receipt[]): void {
    this.current?.progress.acknowledge(messages);
    this.onRoom();
  }

  async close(): Promise<void> {
    this.ending.abort();
    const { current } = this;
    this.current = null;
    this.onRoom();
    current?.server.close();
    await current?.progress.close();
    this.options.onClose();
  }

  private async read(reading: Reading): Promise<void> {
    try {
      while (this.current === reading) {
        const room = await this.room(reading);
        if (this.current !== reading) return;
        const entries = await this.next(reading, room);
        if (this.current === reading && entries.length > 0) this.received(reading, entries);
      }
    } catch (cause) {
      this.lost(reading, cause);
    }
  }

  /** How many entries may be read now; waits until there are some. */
  private async room({ progress }: Reading): Promise<number> {
    const { inFlightMax, inFlightBytesMax } = this.options;
    const share = () => Math.min(1 - progress.waiting / inFlightMax, 1 - progress.waitingBytes / inFlightBytesMax);
    if (share() > 0 && share() < 0.5) await delay(roomAfterMs);
    while (share() <= 0 && !this.ending.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.onRoom = resolve;
      await promise;
    }
    const largest = Math.ceil((inFlightBytesMax - progress.waitingBytes) / messageBytesMax);
    return Math.min(inFlightMax - progress.waiting, largest, entriesMax);
  }

  private async next({ server, last }: Reading, count: number): Promise<readonly Entry[]> {
    const { stream } = this.session;
    const within = blockMs + answerWithinMs;
    const streams = await server.ask(
      (redis) => redis.xreadBuffer("COUNT", count, "BLOCK", blockMs, "STREAMS", stream, last.id),
      within,
    );
    return (streams as readonly (readonly [Buffer, readonly Entry[]])[] | null)?.[0]?.[1] ?? [];
  }

  private received(reading: Reading, entries: readonly Entry[]): void {
    const { progress } = reading;
    const batch: ReceivedMessage[] = [];
    for (const entry of entries) {
      const { number } = reading.last;
      const place = { id: entry[0].toString("latin1"), number: number === null ? null : number + 1 };
      reading.last = place;
      const message = this.types.has(typeOf(entry)) ? messageOf(entry) : null;
      if (message !== null && typeof message !== "string")
        batch.push({ ...message, receipt: progress.add(place, message.body.length) });
      else {
        progress.pass(place);
        if (message !== null) this.receiver.refused(message);
      }
    }
    if (batch.length > 0) this.receiver.received(batch);
  }

  /** A group that was taken away meanwhile is made again. */
  private async move(floor: Place, beyond: number): Promise<void> {
    const { current, session, options } = this;
    try {
      await session.groups.move(options.name, floor, beyond);
    } catch (error) {
      if (!logFaults.unavailable.is(error) && current !== null) this.lost(current, error);
      throw error;
    }
  }

  private lost(reading: Reading, cause: unknown): void {
    reading.server.close();
    if (this.current !== reading) return;
    this.current = null;
    reading.progress.abandon();
    this.receiver.lost(logFaults.unavailable(undefined, { cause }));
    void this.beginAgain();
  }

  private async beginAgain(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      try {
        return await this.begin();
      } catch {
        // Not there yet: the next turn will tell, and `lost` has been said.
        await delay(againAfterMs, undefined, { signal }).catch(() => {});
      }
    }
  }
}
