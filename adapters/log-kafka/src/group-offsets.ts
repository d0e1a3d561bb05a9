import type { ConsumeOptions } from "@banyan/kernel/log";
import { type Admin, FetchIsolationLevels, ListOffsetTimestamps } from "@platformatic/kafka";

/** Where one group stands in each partition. It has no members: who consumes is the caller's to see to, and takes over at once. */
export class GroupOffsets {
  private readonly admin: Admin;
  private readonly topic: string;
  private readonly groupId: string;
  private readonly written = new Map<number, bigint>();
  private waiting = new Map<number, bigint>();
  private next: Promise<void> | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(admin: Admin, topic: string, groupId: string) {
    this.admin = admin;
    this.topic = topic;
    this.groupId = groupId;
  }

  /** Where it goes on, partition by partition; a group that was never here is put to where it is to begin, and stays there. */
  async begin(from: ConsumeOptions["from"], partitions: number): Promise<readonly bigint[]> {
    const { admin, topic } = this;
    const [committed, earliest, latest] = await Promise.all([
      this.committed(partitions),
      offsetsAt(admin, { topic, partitions, timestamp: ListOffsetTimestamps.EARLIEST }),
      offsetsAt(admin, { topic, partitions, timestamp: ListOffsetTimestamps.LATEST }),
    ]);
    const isNew = committed.every((offset) => offset < 0n);
    const begins = isNew && from === "latest" ? latest : earliest;
    // What the horizon has taken is not there, and a partition that was added is from its beginning.
    const starts = begins.map((begin, index) => {
      const offset = committed[index] ?? -1n;
      return offset > begin ? offset : begin;
    });
    if (isNew) await Promise.all(starts.map((offset, index) => this.write(index, offset)));
    return starts;
  }

  /** One request at a time; what comes meanwhile is the next. */
  write(partition: number, offset: bigint): Promise<void> {
    if (this.written.get(partition) === offset) return Promise.resolve();
    this.waiting.set(partition, offset);
    this.next ??= this.running.then(() => {
      this.next = null;
      const sending = this.send();
      this.running = sending.catch(() => {});
      return sending;
    });
    return this.next;
  }

  /** How much lies before these ends, after what was acknowledged without a gap; 0 for a group that was never here. */
  async lag(ends: readonly bigint[]): Promise<number> {
    const committed = await this.committed(ends.length);
    const behind = committed.map((offset, index) => (offset < 0n ? 0 : Number((ends[index] ?? offset) - offset)));
    return behind.reduce((sum, count) => sum + Math.max(0, count), 0);
  }

  private async committed(partitions: number): Promise<readonly bigint[]> {
    const partitionIndexes = Array.from({ length: partitions }, (_, index) => index);
    const [group] = await this.admin.listConsumerGroupOffsets({
      groups: [{ groupId: this.groupId, topics: [{ name: this.topic, partitionIndexes }] }],
    });
    const found = group?.topics.find(({ name }) => name === this.topic)?.partitions ?? [];
    const offsets = new Map(found.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
    return partitionIndexes.map((index) => offsets.get(index) ?? -1n);
  }

  private async send(): Promise<void> {
    const offsets = this.waiting;
    this.waiting = new Map();
    await this.admin.alterConsumerGroupOffsets({
      groupId: this.groupId,
      topics: [
        { name: this.topic, partitionOffsets: [...offsets].map(([partition, offset]) => ({ partition, offset })) },
      ],
    });
    for (const [partition, offset] of offsets) this.written.set(partition, offset);
  }
}

/** The first offset of each partition from a time on, -1 where there is none; `EARLIEST` and `LATEST` are times too. */
export async function offsetsAt(
  admin: Admin,
  { topic, partitions, timestamp }: { readonly topic: string; readonly partitions: number; readonly timestamp: bigint },
): Promise<readonly bigint[]> {
  const wanted = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp }));
  const [listed] = await admin.listOffsets({
    topics: [{ name: topic, partitions: wanted }],
    isolationLevel: FetchIsolationLevels.READ_COMMITTED,
  });
  const offsets = new Map(listed?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  return wanted.map(({ partitionIndex }) => offsets.get(partitionIndex) ?? -1n);
}
