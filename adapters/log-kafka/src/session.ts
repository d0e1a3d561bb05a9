import {
  type ConsumeOptions,
  type LogReceiver,
  Progress,
  type Receipt,
  type ReceivedMessage,
} from "@banyan/kernel/log";
import type { Fetcher } from "./fetcher.ts";
import type { GroupOffsets } from "./group-offsets.ts";
import type { Entry } from "./records.ts";

export interface SessionOptions extends Pick<ConsumeOptions, "types" | "inFlightMax" | "inFlightBytesMax"> {
  readonly fetcher: Fetcher;
  readonly offsets: GroupOffsets;
  /** Where to begin, partition by partition. */
  readonly starts: readonly bigint[];
  readonly receiver: LogReceiver;
  readonly onEnd: () => void;
}

/**
 * One reading of the topic, from where the group stood until it ends or fails.
 *
 * 1. A group's offset in a partition is the floor of what was acknowledged there: what is above comes again, in order (G4).
 * 2. From a broker the next is asked for when what it gave last is given out: what waits here is one answer of each.
 */
export class Session {
  /** Why it failed; never rejects. */
  readonly failed: Promise<Error>;
  private readonly end: (reason: Error) => void;
  private readonly options: SessionOptions;
  private readonly types: ReadonlySet<string>;
  private readonly progresses: readonly Progress<bigint>[];
  /** Up to where each partition is given out. */
  private readonly reached: bigint[];
  private isOver = false;
  private acknowledged = Promise.withResolvers<void>();

  constructor(options: SessionOptions) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.end = resolve;
    this.options = options;
    this.types = new Set(options.types);
    this.reached = [...options.starts];
    const { offsets, starts } = options;
    this.progresses = starts.map(
      (floor, index) => new Progress({ floor, write: (reached) => offsets.write(index, reached) }),
    );
    for (const [node, partitions] of options.fetcher.leaders)
      this.follow(node, partitions).catch((reason: Error) => this.fail(reason));
  }

  /** How many are not acknowledged, with what is not given out, up to these ends. */
  lag(ends: readonly bigint[]): number {
    return ends.reduce(
      (sum, end, index) => sum + Math.max(0, Number(end - (this.reached[index] ?? end))),
      this.waiting,
    );
  }

  acknowledge(messages: readonly Receipt[]): void {
    for (const progress of this.progresses) progress.acknowledge(messages);
    this.acknowledged.resolve();
  }

  /** Writes how far the group has come. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all([this.options.fetcher.close(), ...this.progresses.map((progress) => progress.close())]);
  }

  private async follow(node: number, partitions: readonly number[]): Promise<void> {
    const { fetcher, starts } = this.options;
    const positions = new Map(partitions.map((index) => [index, starts[index] ?? 0n]));
    while (!this.isOver) {
      const entries = await fetcher.fetch(node, positions);
      for (const { partition, next } of entries) positions.set(partition, next);
      await this.giveOut(entries);
    }
  }

  private async giveOut(entries: readonly Entry[]): Promise<void> {
    const { receiver } = this.options;
    for (let given = 0; given < entries.length; ) {
      const batch: ReceivedMessage[] = [];
      let { room, roomBytes } = this;
      for (let entry = entries[given]; entry !== undefined && room > 0 && roomBytes > 0; entry = entries[++given]) {
        const progress = this.progresses[entry.partition] as Progress<bigint>;
        this.reached[entry.partition] = entry.next;
        if (typeof entry.read === "object" && this.types.has(entry.read.type)) {
          const { length } = entry.read.body;
          batch.push({ ...entry.read, receipt: progress.add(entry.next, length) });
          room--;
          roomBytes -= length;
        } else {
          progress.pass(entry.next);
          if (typeof entry.read === "string") receiver.refused(entry.read);
        }
      }
      if (this.isOver) return;
      if (batch.length > 0) receiver.received(batch);
      if (given < entries.length) await this.untilRoom();
      if (this.isOver) return;
    }
  }

  private get waiting(): number {
    return this.progresses.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  private get room(): number {
    return this.options.inFlightMax - this.waiting;
  }

  private get roomBytes(): number {
    return this.progresses.reduce((left, { waitingBytes }) => left - waitingBytes, this.options.inFlightBytesMax);
  }

  private async untilRoom(): Promise<void> {
    while (!this.isOver && (this.room <= 0 || this.roomBytes <= 0)) {
      this.acknowledged = Promise.withResolvers();
      await this.acknowledged.promise;
    }
  }

  private fail(reason: Error): void {
    if (this.isOver) return;
    this.stop();
    for (const progress of this.progresses) progress.abandon();
    void this.options.fetcher.close();
    this.end(reason);
  }

  private stop(): void {
    this.isOver = true;
    this.options.onEnd();
    this.acknowledged.resolve();
  }
}
