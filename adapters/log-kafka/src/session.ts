import { type LogReceiver, Progress, type ReceivedMessage } from "@banyan/kernel/log";
import type { Fetcher } from "./fetcher.ts";
import type { GroupOffsets } from "./group-offsets.ts";
import type { Entry } from "./records.ts";

export interface SessionOptions {
  readonly fetcher: Fetcher;
  readonly offsets: GroupOffsets;
  /** Where to begin, partition by partition. */
  readonly starts: readonly bigint[];
  readonly types: readonly string[];
  readonly inFlightMax: number;
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
  private room = Promise.withResolvers<void>();

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

  acknowledge(messages: readonly ReceivedMessage[]): void {
    for (const progress of this.progresses) progress.acknowledge(messages);
    this.room.resolve();
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
    const { inFlightMax, receiver } = this.options;
    for (let given = 0; given < entries.length; ) {
      const batch: ReceivedMessage[] = [];
      let room = inFlightMax - this.waiting;
      for (let entry = entries[given]; entry !== undefined && room > 0; entry = entries[++given]) {
        const progress = this.progresses[entry.partition] as Progress<bigint>;
        this.reached[entry.partition] = entry.next;
        if (typeof entry.read === "object" && this.types.has(entry.read.type)) {
          batch.push({ ...entry.read, receipt: progress.add(entry.next) });
          room--;
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

  private async untilRoom(): Promise<void> {
    while (!this.isOver && this.waiting >= this.options.inFlightMax) {
      this.room = Promise.withResolvers();
      await this.room.promise;
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
    this.room.resolve();
  }
}
