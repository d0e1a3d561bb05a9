import { randomBytes, randomUUID } from "node:crypto";
import type { ConsumeOptions, Log, LogConsumer, LogMessage, ReceivedMessage } from "@banyan/kernel/log";
import { expect, vi } from "vitest";

/** A log engine and the means to be its client. */
export interface LogFixture {
  /** One more client, not opened, as another process would have it; all see the same log, which nobody else uses. */
  createLog(): Log;
  /** Cuts every client's connection once; each may connect again. Left out where that cannot be done from here. */
  interrupt?(): Promise<void> | void;
  /** Puts bytes that are no message where messages are kept, as a stranger would. Left out where nobody could. */
  plant?(type: string): Promise<void> | void;
  close(): Promise<void>;
}

/** What a consumer was told. */
export interface Heard {
  readonly consumer: LogConsumer;
  readonly received: ReceivedMessage[];
  readonly lost: Error[];
  readonly refused: string[];
  /** Waits for so many messages, and answers their ids in the order they came. */
  ids(count: number): Promise<string[]>;
}

const encoder = new TextEncoder();

/** Engines that start cold or take over from a client that died need a moment. */
const patience = { timeout: 20_000, interval: 20 };

/** A log whose groups, types and keys no other test uses. */
export class LogProbe {
  readonly fixture: LogFixture;
  private readonly logs: Log[] = [];
  private readonly consumers: LogConsumer[] = [];

  constructor(fixture: LogFixture) {
    this.fixture = fixture;
  }

  async log(): Promise<Log> {
    const log = this.fixture.createLog();
    this.logs.push(log);
    await log.open({ signal: AbortSignal.timeout(20_000) });
    return log;
  }

  async consume(log: Log, options: Pick<ConsumeOptions, "name" | "types"> & Partial<ConsumeOptions>): Promise<Heard> {
    const received: ReceivedMessage[] = [];
    const lost: Error[] = [];
    const refused: string[] = [];
    const consumer = await log.consume(
      { from: "earliest", inFlightMax: 1_000, inFlightBytesMax: 8_000_000, ...options },
      {
        received: (messages) => void received.push(...messages),
        lost: (reason) => void lost.push(reason),
        refused: (reason) => void refused.push(reason),
      },
    );
    this.consumers.push(consumer);
    const ids = (count: number) =>
      vi.waitFor(() => {
        expect(received.length).toBeGreaterThanOrEqual(count);
        return received.map(({ id }) => id);
      }, patience);
    return { consumer, received, lost, refused, ids };
  }

  /** Closes what the last test opened. */
  async clear(): Promise<void> {
    await Promise.all(this.consumers.splice(0).map((consumer) => consumer.close()));
    await Promise.all(this.logs.splice(0).map((log) => log.close({ deadlineMs: 1_000 })));
  }
}

/** "probe-1f3c.happened": a type of this test alone. */
export const newType = (name = "happened") => `probe${randomBytes(5).toString("hex")}.${name}`;

export const newGroup = () => `group-${randomBytes(5).toString("hex")}`;

/** Messages of one type; `keys` are taken by turns. */
export function messages(type: string, count: number, keys: readonly string[] = ["acme/one"]): LogMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    id: randomUUID(),
    type,
    key: keys[index % keys.length] as string,
    body: encoder.encode(JSON.stringify({ specversion: "1.0", number: index })),
  }));
}

export const idsOf = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id);

/** Those of each key, in their order. */
export const byKey = (all: readonly LogMessage[]) =>
  Object.fromEntries([...Map.groupBy(all, ({ key }) => key)].map(([key, those]) => [key, idsOf(those)]));

export const patiently = <T>(assertion: () => T | Promise<T>) => vi.waitFor(assertion, patience);
