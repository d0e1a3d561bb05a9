import {
  type ConsumeOptions,
  type Log,
  type LogConsumer,
  type LogGroup,
  type LogMessage,
  type LogReceiver,
  type LogTraits,
  logFaults,
  type ReadOptions,
  type ReceivedMessage,
} from "@banyan/kernel/log";
import type { Life } from "../time/timeline.ts";
import type { World } from "./world.ts";

type BrokerConsumer = Parameters<World["log"]["consumers"]["add"]>[0];

/** One process's way to the log of its world: slow, and broken now and then. What the log itself does, happens in steps of its own. */
export class StormyLog implements Log {
  readonly traits: LogTraits;
  private readonly world: World;
  private readonly life: Life;
  private readonly client: Log;
  /** What the process consumes by, at the log. */
  private readonly consumers = new Set<LogConsumer>();
  private isBroken = false;

  constructor(world: World, life: Life) {
    this.world = world;
    this.life = life;
    this.client = world.log.connect();
    this.traits = this.client.traits;
  }

  open(options: { readonly signal: AbortSignal }): Promise<void> {
    return this.carry(() => this.client.open(options));
  }

  append(messages: readonly LogMessage[]): Promise<void> {
    return this.carry(async () => {
      this.world.say(this.world.broker, `keeps ${messages.map(({ id }) => id).join(", ")}`);
      await this.client.append(messages);
    });
  }

  async consume(options: ConsumeOptions, receiver: LogReceiver): Promise<LogConsumer> {
    const { timeline, broker } = this.world;
    const begin = async () => {
      const begun = await this.client.consume(options, this.distant(receiver));
      this.consumers.add(begun);
      return begun;
    };
    const consumer = await this.carry(begin, (begun) => this.end(begun));
    return {
      acknowledge: (messages) => {
        // A connection loses its acknowledgements when it breaks, and not otherwise.
        if (this.world.strikes(this.world.weather.loseRequest)) return this.interrupt();
        timeline.after(this.world.latencyMs(), broker, "acknowledgement", () => {
          this.world.say(broker, `hears ${this.life.name} acknowledge ${messages.map(({ id }) => id).join(", ")}`);
          consumer.acknowledge(messages);
        });
      },
      close: async () => {
        await this.carry(async () => this.end(consumer)).catch(() => this.endLater(consumer));
      },
    };
  }

  async *read(options: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    const pages = await this.carry(async () => {
      const found: (readonly LogMessage[])[] = [];
      for await (const page of this.client.read(options)) found.push(page);
      return found;
    });
    yield* pages;
  }

  lag(group: LogGroup): Promise<number> {
    return this.carry(() => this.client.lag(group));
  }

  async close(): Promise<void> {
    await this.carry(() => this.client.close({ deadlineMs: 0 })).catch(() => {});
  }

  /** The log finds out that the process is gone. */
  sever(): void {
    for (const consumer of this.consumers) this.endLater(consumer);
  }

  /** The connection breaks and is back: what was not acknowledged comes again. */
  interrupt(): void {
    this.isBroken = true;
    this.world.timeline.after(0, this.world.broker, "connection lost", () => {
      this.isBroken = false;
      for (const consumer of this.consumers as Set<BrokerConsumer>) {
        consumer.lose(new Error("the connection broke"));
        consumer.soon();
      }
    });
  }

  private endLater(consumer: LogConsumer): void {
    const { broker, dice, timeline, weather } = this.world;
    timeline.after(dice.between(0, weather.noticeMs), broker, "consumer ends", () => this.end(consumer));
  }

  private end(consumer: LogConsumer): void {
    this.consumers.delete(consumer);
    void consumer.close();
  }

  /** Hears at the process what the receiver is told at the log, in the order in which it was told. */
  private distant(receiver: LogReceiver): LogReceiver {
    const { world, life } = this;
    let arrivedAt = 0;
    const later = (what: string, act: () => void) => {
      arrivedAt = Math.max(arrivedAt, world.timeline.now + world.latencyMs());
      world.timeline.at(arrivedAt, life, what, act);
    };
    return {
      received: (messages: readonly ReceivedMessage[]) => {
        // What follows a lost batch is lost as well, until the log has noticed.
        if (this.isBroken) return;
        if (world.strikes(world.weather.loseBatch)) return this.interrupt();
        world.say(world.broker, `sends ${life.name} ${messages.map(({ id }) => id).join(", ")}`);
        later("messages", () => receiver.received(messages));
        if (world.strikes(world.weather.repeatBatch)) later("messages", () => receiver.received(messages));
      },
      lost: (reason) => later("lost", () => receiver.lost(reason)),
      refused: (reason, count) => later("refused", () => receiver.refused(reason, count)),
    };
  }

  /** `undo` is what the log does where its answer is lost, and with it the connection. */
  private carry<T>(work: () => Promise<T>, undo: (value: T) => void = () => {}): Promise<T> {
    const { world, life } = this;
    const { broker, timeline, weather } = world;
    return new Promise<T>((resolve, reject) => {
      const reply = (act: () => void) => void timeline.after(world.latencyMs(), life, "answer", act);
      const broken = () => reject(logFaults.unavailable());
      if (world.strikes(weather.loseRequest)) return reply(broken);
      timeline.after(world.latencyMs(), broker, "request", () => {
        if (world.strikes(weather.logOutage)) world.cutLog();
        const isLost = world.strikes(weather.loseReply);
        work().then(
          (value) => {
            if (isLost) undo(value);
            reply(isLost ? broken : () => resolve(value));
          },
          (error: unknown) => reply(() => reject(error)),
        );
      });
    });
  }
}
