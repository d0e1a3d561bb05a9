import { type LogMessage, logFaults } from "@banyan/kernel/log";
import { type BaseOptions, ProduceAcks, Producer } from "@platformatic/kafka";
import { recordOf } from "./records.ts";

/** Sends one batch at a time by an idempotent producer: within a partition it is there whole, once and in its place, or not at all. */
export class Writer {
  private readonly options: BaseOptions;
  private readonly topic: string;
  private readonly appendMs: number;
  private current: Producer;
  private isClosed = false;

  constructor(options: BaseOptions, topic: string, appendMs: number) {
    this.options = options;
    this.topic = topic;
    this.appendMs = appendMs;
    this.current = this.newProducer();
  }

  get producer(): Producer {
    return this.current;
  }

  /** Raises `log.unavailable`: then some partitions may have kept theirs. */
  async keep(messages: readonly LogMessage[], partitions: number): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const say = () => reject(new Error(`Kafka has not acknowledged it within ${this.appendMs} ms`));
    const timer = setTimeout(say, this.appendMs);
    try {
      const sending = this.current.send({
        messages: messages.map((message) => recordOf(message, this.topic, partitions)),
        acks: ProduceAcks.ALL,
        idempotent: true,
      });
      await Promise.race([sending, late]);
    } catch (cause) {
      this.replace();
      throw logFaults.unavailable(undefined, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.current.close(true).catch(() => {});
  }

  /** What a failed producer still tries would come after what is sent next. */
  private replace(): void {
    void this.current.close(true).catch(() => {});
    if (!this.isClosed) this.current = this.newProducer();
  }

  private newProducer(): Producer {
    return new Producer({ ...this.options, idempotent: true });
  }
}
