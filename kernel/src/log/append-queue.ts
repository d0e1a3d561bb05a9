import type { LogMessage } from "./log.ts";
import { logFaults } from "./log-faults.ts";

/** How an engine keeps a batch, and how large one may be. */
export interface AppendQueueOptions {
  /** Keeps them in their order, or raises what is against it; it settles within seconds. One call at a time. */
  readonly keep: (messages: readonly LogMessage[]) => Promise<void>;
  /** The largest body that the engine takes, in bytes. */
  readonly messageBytesMax: number;
  readonly batchMessagesMax: number;
  /** Bodies of one batch together; one message may be larger by itself. */
  readonly batchBytesMax: number;
}

interface Call {
  readonly messages: readonly LogMessage[];
  taken: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/**
 * `Log.append` for engines that keep batches: one is under way at a time, and what comes meanwhile is the next one, which needs
 * no timer and keeps the order of the calls. Where a batch fails, everything fails that waited behind it: of no key something is
 * kept behind what was not (G2).
 */
export class AppendQueue {
  private readonly options: AppendQueueOptions;
  private readonly calls: Call[] = [];
  private running: Promise<void> | undefined;

  constructor(options: AppendQueueOptions) {
    this.options = options;
  }

  append(messages: readonly LogMessage[]): Promise<void> {
    const { messageBytesMax } = this.options;
    const large = messages.find(({ body }) => body.length > messageBytesMax);
    if (large !== undefined)
      return Promise.reject(logFaults.refused({ id: large.id, reason: `it has more than ${messageBytesMax} bytes` }));
    if (messages.length === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.calls.push({ messages, taken: 0, resolve, reject });
    // Calls of one tick share their first batch.
    this.running ??= Promise.resolve().then(() => this.run());
    return promise;
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async run(): Promise<void> {
    while (this.calls.length > 0) {
      try {
        await this.options.keep(this.take());
        this.settle();
      } catch (reason) {
        this.fail(reason);
      }
    }
    this.running = undefined;
  }

  /** The next batch, which may end in the middle of a call. */
  private take(): LogMessage[] {
    const { batchMessagesMax, batchBytesMax } = this.options;
    const batch: LogMessage[] = [];
    let bytes = 0;
    for (const call of this.calls) {
      for (let next = call.messages[call.taken]; next !== undefined; next = call.messages[++call.taken]) {
        bytes += next.body.length;
        if (batch.length === batchMessagesMax || (bytes > batchBytesMax && batch.length > 0)) return batch;
        batch.push(next);
      }
    }
    return batch;
  }

  private settle(): void {
    for (let [call] = this.calls; call !== undefined && call.taken === call.messages.length; [call] = this.calls) {
      call.resolve();
      this.calls.shift();
    }
  }

  /** Only the call that holds a refused message hears of the refusal; to the others the log was not there. */
  private fail(reason: unknown): void {
    const { code, details } = reason as { readonly code?: string; readonly details?: { readonly id: string } };
    for (const { messages, reject } of this.calls.splice(0)) {
      const isAnothers = code === "log.refused" && !messages.some(({ id }) => id === details?.id);
      reject(isAnothers ? logFaults.unavailable(undefined, { cause: reason }) : reason);
    }
  }
}
