import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Log, LogConsumer, LogMessage, ReceivedMessage } from "@banyan/kernel/log";
import { expect, vi } from "vitest";

const batchMessages = 20;
const keysOfWriter = 5;
const patience = { timeout: 30_000, interval: 50 };

/**
 * Writers that append without a pause, each to keys of its own and again what failed, and a consumer that acknowledges a moment
 * after it was told; while something happens to the engine.
 */
export class LogLoad {
  /** What was said to be kept, in its order. */
  readonly kept: LogMessage[] = [];
  readonly received: ReceivedMessage[] = [];
  readonly losses: Error[] = [];
  /** The longest that one call of `append` took, in milliseconds. */
  longestMs = 0;
  failures = 0;
  private isOver = false;
  private writers: Promise<void>[] = [];
  private consumer: LogConsumer | undefined;

  static async start(log: Log): Promise<LogLoad> {
    const load = new LogLoad();
    const [type, name] = [`load${randomUUID().slice(0, 8)}.happened`, `group-${randomUUID()}`];
    load.consumer = await log.consume(
      { name, types: [type], from: "earliest", inFlightMax: 500, inFlightBytesMax: 16_000_000 },
      {
        received: (messages) => {
          load.received.push(...messages);
          setTimeout(() => load.consumer?.acknowledge(messages), 5);
        },
        lost: (reason) => void load.losses.push(reason),
        refused: () => {},
      },
    );
    load.writers = ["a", "b", "c"].map((writer) => load.write(log, { type, writer }));
    return load;
  }

  /** Waits until so many more have come. */
  async progress(messages: number): Promise<void> {
    const wanted = this.received.length + messages;
    await vi.waitFor(() => expect(this.received.length).toBeGreaterThan(wanted), patience);
  }

  /** Ends the writers, and expects that everything that was kept has come, each key's messages in their order. */
  async settle(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.writers);
    await vi.waitFor(() => expect(new Set(idsOf(this.received)).size).toBe(this.kept.length), patience);
    expect(byKey(this.received)).toEqual(byKey(this.kept));
    await this.consumer?.close();
  }

  private async write(log: Log, { type, writer }: { type: string; writer: string }): Promise<void> {
    for (let number = 0; !this.isOver; number++) {
      const batch = Array.from({ length: batchMessages }, (_, index) => ({
        id: randomUUID(),
        type,
        key: `acme/${writer}${index % keysOfWriter}`,
        body: Buffer.from(JSON.stringify({ specversion: "1.0", number, index })),
      }));
      while (!(await this.append(log, batch))) await delay(20);
      this.kept.push(...batch);
    }
  }

  private async append(log: Log, batch: readonly LogMessage[]): Promise<boolean> {
    const beganMs = performance.now();
    try {
      await log.append(batch);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "log.unavailable" });
      this.failures++;
      return false;
    } finally {
      this.longestMs = Math.max(this.longestMs, performance.now() - beganMs);
    }
  }
}

const idsOf = (messages: readonly LogMessage[]) => messages.map(({ id }) => id);

/** The ids of each key, each where it came first. */
function byKey(messages: readonly LogMessage[]): Record<string, string[]> {
  return Object.fromEntries(
    [...Map.groupBy(messages, ({ key }) => key)].map(([key, those]) => [key, [...new Set(idsOf(those))]]),
  );
}
