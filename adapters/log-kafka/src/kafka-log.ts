import { setTimeout as delay } from "node:timers/promises";
import {
  AppendQueue,
  type ConsumeOptions,
  type Log,
  type LogConsumer,
  type LogGroup,
  type LogMessage,
  type LogReceiver,
  type LogTraits,
  logFaults,
  type ReadOptions,
} from "@banyan/kernel/log";
import {
  Admin,
  type BaseOptions,
  type ClusterTopicMetadata,
  ListOffsetTimestamps,
  type Consumer as Reader,
} from "@platformatic/kafka";
import { Consumer } from "./consumer.ts";
import { Fetcher } from "./fetcher.ts";
import { GroupOffsets, offsetsAt } from "./group-offsets.ts";
import { Names } from "./names.ts";
import { clientOptions, type KafkaLogOptions } from "./options.ts";
import { readRange } from "./read.ts";
import { overheadBytesMax } from "./records.ts";
import { Session } from "./session.ts";
import { describeTopic, prepareTopic } from "./topic.ts";
import { Writer } from "./writer.ts";

/** The clients beneath a log: the one that asks and commits, the one that appends, and one for each consumer. */
export interface KafkaClients {
  readonly admin: Admin;
  readonly producer: Writer["producer"];
  readonly readers: readonly Reader[];
}

/** A log over Kafka, with the clients beneath it for whatever else one wants of Kafka. */
export interface KafkaLog extends Log {
  /** The clients as they are now: a broken one is replaced. Only while the log is open, which alone may close them. */
  unwrap(): KafkaClients;
}

const batchMessagesMax = 1_000;

/**
 * Keeps messages in one topic of Kafka, partitioned by key as Kafka's own clients do it; an idempotent producer waits for all
 * replicas in sync. A group is its committed offsets, and has no members: whoever consumes next goes on at once, and nothing
 * keeps two from consuming at the same time, which is the caller's to see to.
 *
 * Every group reads the whole topic, and skips what is not of its types. `lag` counts what is read by no one yet of all types,
 * and for a group whose consumer is elsewhere from its first message that is not acknowledged: it is never too small. Kafka answers before anything is on disk: what `append` resolved
 * for survives the broker's process, and a machine's power where there are replicas. Throws where the options make no sense.
 */
export function createKafkaLog(options: KafkaLogOptions): KafkaLog {
  return new Kafka(options);
}

class Kafka implements KafkaLog {
  readonly server = { name: "Kafka", ping: () => this.offsetsAt(ListOffsetTimestamps.LATEST) };
  readonly traits: LogTraits;
  private readonly options: KafkaLogOptions;
  private readonly names: Names;
  private readonly client: BaseOptions;
  private readonly admin: Admin;
  private readonly writer: Writer;
  private readonly queue: AppendQueue;
  private readonly consumers = new Set<Consumer>();
  private readonly readers = new Set<Reader>();
  private topic: ClusterTopicMetadata | null = null;
  private closing: Promise<void> | null = null;

  constructor(options: KafkaLogOptions) {
    const messageBytesMax = options.messageBytesMax ?? 1_048_576;
    this.traits = { durable: "server", replayable: true, partitioned: true, delayed: false, messageBytesMax };
    this.options = options;
    this.names = new Names(options.namespace ?? "banyan");
    this.client = clientOptions(options);
    this.admin = new Admin(this.client);
    this.writer = new Writer(this.client, this.names.topic, options.appendMs ?? 5_000);
    this.queue = new AppendQueue({
      keep: (messages) => this.writer.keep(messages, this.opened().partitionsCount),
      messageBytesMax,
      batchMessagesMax,
      batchBytesMax: messageBytesMax,
    });
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const batchBytesMax = this.traits.messageBytesMax + batchMessagesMax * overheadBytesMax;
    const topic = { name: this.names.topic, options: this.options.topic, batchBytesMax };
    try {
      this.topic = await Promise.race([orUnavailable(prepareTopic(this.admin, topic)), aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  append(messages: readonly LogMessage[]): Promise<void> {
    return this.queue.append(messages);
  }

  async consume(options: ConsumeOptions, receiver: LogReceiver): Promise<LogConsumer> {
    const onClose = () => consumers.delete(consumer);
    const { consumers } = this;
    const consumer: Consumer = new Consumer({
      group: options.name,
      begin: () => this.begin(options, receiver),
      receiver,
      onClose,
    });
    await orUnavailable(consumer.open());
    consumers.add(consumer);
    return consumer;
  }

  async *read(options: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    const ends = await this.offsetsAt(ListOffsetTimestamps.LATEST);
    const starts = await this.offsetsAt(BigInt(Math.max(0, Math.floor(options.since))));
    const fetcher = await orUnavailable(this.fetcher("read"));
    try {
      yield* readRange({ ...options, fetcher, starts, ends });
    } catch (cause) {
      options.signal.throwIfAborted();
      throw logFaults.unavailable(undefined, { cause });
    } finally {
      await this.release(fetcher);
    }
  }

  async lag({ name }: LogGroup): Promise<number> {
    const ends = await this.offsetsAt(ListOffsetTimestamps.LATEST);
    const own = [...this.consumers].find(({ group }) => group === name)?.lag(ends);
    return own ?? (await orUnavailable(this.offsetsOf(name).lag(ends)));
  }

  unwrap(): KafkaClients {
    return { admin: this.admin, producer: this.writer.producer, readers: [...this.readers] };
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.end(deadlineMs);
    return this.closing;
  }

  private async begin({ name, from, ...options }: ConsumeOptions, receiver: LogReceiver): Promise<Session> {
    const offsets = this.offsetsOf(name);
    const starts = await offsets.begin(from, this.opened().partitionsCount);
    const fetcher = await this.fetcher(name);
    const onEnd = () => this.readers.delete(fetcher.client);
    return new Session({ ...options, fetcher, offsets, starts, receiver, onEnd });
  }

  private offsetsAt(timestamp: bigint): Promise<readonly bigint[]> {
    const { partitionsCount: partitions } = this.opened();
    return orUnavailable(offsetsAt(this.admin, { topic: this.names.topic, partitions, timestamp }));
  }

  private offsetsOf(group: string): GroupOffsets {
    return new GroupOffsets(this.admin, this.names.topic, this.names.group(group));
  }

  private async fetcher(group: string): Promise<Fetcher> {
    const topic = await describeTopic(this.admin, this.names.topic);
    const fetcher = new Fetcher({ ...this.client, groupId: this.names.group(group) }, topic);
    this.readers.add(fetcher.client);
    return fetcher;
  }

  private async release(fetcher: Fetcher): Promise<void> {
    this.readers.delete(fetcher.client);
    await fetcher.close();
  }

  private opened(): ClusterTopicMetadata {
    if (this.topic === null) throw new Error("the log is not open");
    return this.topic;
  }

  private async end(deadlineMs: number): Promise<void> {
    const done = Promise.all([this.queue.idle(), ...[...this.consumers].map((consumer) => consumer.close())]);
    await Promise.race([done, delay(deadlineMs, undefined, { ref: false })]);
    await Promise.all([this.writer.close(), this.admin.close().catch(() => {})]);
  }
}

/** What the client raises, as the log does. */
async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (logFaults.misconfigured.is(cause)) throw cause;
    throw logFaults.unavailable(undefined, { cause });
  }
}
