import { setTimeout as delay } from "node:timers/promises";
import { type LogConsumer, type LogReceiver, logFaults, type Receipt } from "@banyan/kernel/log";
import type { Session } from "./session.ts";

const againAfterMs = 250;

export interface ConsumerOptions {
  readonly group: string;
  readonly begin: () => Promise<Session>;
  readonly receiver: LogReceiver;
  readonly onClose: () => void;
}

/** One session after the other, for as long as it is not closed. */
export class Consumer implements LogConsumer {
  private readonly options: ConsumerOptions;
  private readonly closing = new AbortController();
  private session: Session | null = null;
  private over: Promise<void> = Promise.resolve();

  constructor(options: ConsumerOptions) {
    this.options = options;
  }

  get group(): string {
    return this.options.group;
  }

  /** `Session.lag`; undefined while it has none. */
  lag(ends: readonly bigint[]): number | undefined {
    return this.session?.lag(ends);
  }

  /** Raises what keeps the first session from beginning. */
  async open(): Promise<void> {
    this.session = await this.options.begin();
    this.over = this.run(this.session);
  }

  acknowledge(messages: readonly Receipt[]): void {
    this.session?.acknowledge(messages);
  }

  async close(): Promise<void> {
    this.closing.abort();
    // Without one, one may be about to begin.
    await (this.session?.close() ?? this.over);
    this.options.onClose();
  }

  private async run(first: Session): Promise<void> {
    const { signal } = this.closing;
    let session: Session | null = first;
    while (!signal.aborted) {
      const cause = await session?.failed;
      this.session = null;
      if (cause !== undefined) this.options.receiver.lost(logFaults.unavailable(undefined, { cause }));
      session = await delay(againAfterMs, undefined, { signal })
        .then(() => this.options.begin())
        .catch(() => null);
      this.session = session;
    }
    await session?.close();
  }
}
