import type {
  ConsumeOptions,
  Log,
  LogConsumer,
  LogGroup,
  LogMessage,
  LogReceiver,
  LogTraits,
  ReadOptions,
  Receipt,
  ReceivedMessage,
} from "./log.ts";
import { logFaults } from "./log-faults.ts";

/** Where one group stands: acknowledged is everything before `floor`, and what `beyond` holds. */
interface Place {
  floor: number;
  readonly beyond: Set<number>;
}

/**
 * A log within this process, for tests and simulations: it is gone with the process, and nothing else is wrong with it. `connect`
 * gives a client of it, as another process would have one; what a client hears, it hears in a later turn of the event loop.
 */
export class InProcessLog {
  readonly messages: { readonly message: LogMessage; readonly at: number }[] = [];
  readonly places = new Map<string, Place>();
  readonly consumers = new Set<Consumer>();
  readonly traits: LogTraits;
  isUp = true;

  constructor(traits: Partial<LogTraits> = {}) {
    this.traits = {
      durable: "no",
      replayable: true,
      partitioned: false,
      delayed: false,
      messageBytesMax: 1_048_576,
      ...traits,
    };
  }

  connect(): Log {
    return new Client(this);
  }

  /** Whether it can be reached. When it goes, every consumer loses what it has not acknowledged; when it returns, all go on. */
  setUp(isUp: boolean): void {
    this.isUp = isUp;
    for (const consumer of this.consumers) {
      if (isUp) consumer.soon();
      else consumer.lose(new Error("the log went away"));
    }
  }

  keep(messages: readonly LogMessage[]): void {
    for (const message of messages) this.messages.push({ message, at: Date.now() });
    for (const consumer of this.consumers) consumer.soon();
  }

  at(index: number): LogMessage {
    return (this.messages[index] as { readonly message: LogMessage }).message;
  }

  place({ name, from }: Pick<ConsumeOptions, "name" | "from">): Place {
    const floor = from === "earliest" ? 0 : this.messages.length;
    const place = this.places.get(name) ?? { floor, beyond: new Set() };
    this.places.set(name, place);
    return place;
  }
}

class Client implements Log {
  private readonly log: InProcessLog;
  private readonly own = new Set<Consumer>();

  constructor(log: InProcessLog) {
    this.log = log;
  }

  get traits(): LogTraits {
    return this.log.traits;
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    this.reach();
  }

  async append(messages: readonly LogMessage[]): Promise<void> {
    this.reach();
    const { messageBytesMax } = this.traits;
    const large = messages.findIndex(({ body }) => body.length > messageBytesMax);
    this.log.keep(large < 0 ? messages : messages.slice(0, large));
    const refused = messages[large];
    if (refused) throw logFaults.refused({ id: refused.id, reason: `it has more than ${messageBytesMax} bytes` });
  }

  async consume(options: ConsumeOptions, receiver: LogReceiver): Promise<LogConsumer> {
    this.reach();
    const consumer = new Consumer(this.log, options, receiver);
    this.own.add(consumer);
    return consumer;
  }

  async *read({ types, since, signal }: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    this.reach();
    const wanted = this.log.messages.filter(({ message, at }) => at >= since && types.includes(message.type));
    for (let from = 0; from < wanted.length; from += 100) {
      signal.throwIfAborted();
      yield wanted.slice(from, from + 100).map(({ message }) => message);
    }
  }

  async lag({ name, types }: LogGroup): Promise<number> {
    this.reach();
    const { floor, beyond } = this.log.place({ name, from: "earliest" });
    return this.log.messages.filter(({ message }, at) => at >= floor && !beyond.has(at) && types.includes(message.type))
      .length;
  }

  async close(): Promise<void> {
    await Promise.all([...this.own].map((consumer) => consumer.close()));
  }

  private reach(): void {
    if (!this.log.isUp) throw logFaults.unavailable();
  }
}

class Consumer implements LogConsumer {
  private readonly log: InProcessLog;
  private readonly options: ConsumeOptions;
  private readonly receiver: LogReceiver;
  private readonly place: Place;
  /** The index of what is sent next. */
  private next: number;
  private readonly waiting = new Set<number>();
  private waitingBytes = 0;
  private isScheduled = false;

  constructor(log: InProcessLog, options: ConsumeOptions, receiver: LogReceiver) {
    this.log = log;
    this.options = options;
    this.receiver = receiver;
    this.place = log.place(options);
    this.next = this.place.floor;
    log.consumers.add(this);
    this.soon();
  }

  soon(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      if (this.log.consumers.has(this) && this.log.isUp) this.send();
    });
  }

  lose(reason: Error): void {
    this.waiting.clear();
    this.waitingBytes = 0;
    this.next = this.place.floor;
    this.receiver.lost(reason);
  }

  acknowledge(messages: readonly Receipt[]): void {
    const { beyond } = this.place;
    for (const { receipt } of messages as readonly { readonly receipt: number }[]) {
      if (!this.waiting.delete(receipt)) continue;
      this.waitingBytes -= this.log.at(receipt).body.length;
      beyond.add(receipt);
    }
    while (beyond.delete(this.place.floor)) this.place.floor++;
    this.soon();
  }

  async close(): Promise<void> {
    this.log.consumers.delete(this);
  }

  private send(): void {
    const { options, place, log } = this;
    const batch: ReceivedMessage[] = [];
    while (this.next < log.messages.length && this.hasRoom()) {
      const at = this.next++;
      const message = log.at(at);
      if (place.beyond.has(at)) continue;
      if (!options.types.includes(message.type)) {
        place.beyond.add(at);
        continue;
      }
      this.waiting.add(at);
      this.waitingBytes += message.body.length;
      batch.push({ ...message, receipt: at });
    }
    while (place.beyond.delete(place.floor)) place.floor++;
    if (batch.length > 0) this.receiver.received(batch);
  }

  private hasRoom(): boolean {
    const { inFlightMax, inFlightBytesMax } = this.options;
    return this.waiting.size < inFlightMax && this.waitingBytes < inFlightBytesMax;
  }
}
