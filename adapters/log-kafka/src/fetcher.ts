import { type BaseOptions, type ClusterTopicMetadata, Consumer } from "@platformatic/kafka";
import { type Entry, entriesOf } from "./records.ts";

/** How long the broker may wait for something to send. Whoever closes waits for it at worst. */
const waitMs = 500;
/** What one answer may hold, which is what a reader holds at most; a larger batch comes by itself. */
const answerBytesMax = 4 * 1024 * 1024;
const partitionBytesMax = 1024 * 1024;

/** Reads from a topic, at the brokers that lead its partitions, by offsets alone: it takes part in no group. */
export class Fetcher {
  readonly client: Consumer;
  private readonly topic: ClusterTopicMetadata;

  constructor(options: BaseOptions & { readonly groupId: string }, topic: ClusterTopicMetadata) {
    this.client = new Consumer({ ...options, retries: 0 });
    this.topic = topic;
  }

  /** Which partitions each broker leads. */
  get leaders(): ReadonlyMap<number, readonly number[]> {
    const indexes = this.topic.partitions.map((_, index) => index);
    return Map.groupBy(indexes, (index) => this.topic.partitions[index]?.leader ?? -1);
  }

  /** What comes next in these partitions of one broker; nothing, where there is nothing for a while. */
  async fetch(node: number, from: ReadonlyMap<number, bigint>): Promise<Entry[]> {
    const partitions = [...from].map(([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      currentLeaderEpoch: this.topic.partitions[partition]?.leaderEpoch ?? -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: partitionBytesMax,
    }));
    const { responses } = await this.client.fetch({
      node,
      topics: [{ topicId: this.topic.id, partitions }],
      minBytes: 1,
      maxBytes: answerBytesMax,
      maxWaitTime: waitMs,
    });
    return responses.flatMap((response) =>
      response.partitions.flatMap((answer) => [...entriesOf(answer, from.get(answer.partitionIndex) ?? 0n)]),
    );
  }

  async close(): Promise<void> {
    await this.client.close(true).catch(() => {});
  }
}
