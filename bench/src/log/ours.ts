import { randomUUID } from "node:crypto";
import type { Log, LogMessage } from "@banyan/kernel/log";
import { type EngineOptions, ownLog } from "./own-log.ts";

const CALL_MESSAGES = 500;
const CALLS_AT_ONCE = 2;
const KEYS = 100;
const group = "bench";
const type = "bench.happened";
const body = Buffer.from(JSON.stringify({ specversion: "1.0", data: "x".repeat(270) }));

/** Appends over a log and takes what comes of it; `run` answers messages a second, from the first append to the last acknowledgement. */
export async function open(options: EngineOptions) {
  const { log, remove } = ownLog(options);
  await log.open({ signal: AbortSignal.timeout(10_000) });
  let arrived: (count: number) => void = () => {};
  const consumer = await log.consume(
    { name: group, types: [type], from: "earliest", inFlightMax: 1_000, inFlightBytesMax: 64 * 1024 * 1024 },
    {
      received(messages) {
        consumer.acknowledge(messages);
        arrived(messages.length);
      },
      lost: (reason) => process.emitWarning(reason),
      refused: (reason) => process.emitWarning(reason),
    },
  );
  return {
    async run(count: number) {
      const { promise: all, resolve } = Promise.withResolvers<void>();
      let left = count;
      arrived = (some) => {
        left -= some;
        if (left === 0) resolve();
      };
      const startMs = performance.now();
      await append(log, count);
      await all;
      return (count / (performance.now() - startMs)) * 1_000;
    },
    async close() {
      await consumer.close();
      await log.close({ deadlineMs: 1_000 });
      await remove(group);
    },
  };
}

async function append(log: Log, count: number): Promise<void> {
  let sent = 0;
  const sender = async () => {
    while (sent < count) {
      const from = sent;
      sent = Math.min(count, from + CALL_MESSAGES);
      await log.append(Array.from({ length: sent - from }, (_, index) => message(from + index)));
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, sender));
}

const message = (number: number): LogMessage => ({ id: randomUUID(), type, key: `acme/${number % KEYS}`, body });
