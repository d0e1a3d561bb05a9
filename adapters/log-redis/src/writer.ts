import { setTimeout as delay } from "node:timers/promises";
import { type LogMessage, logFaults } from "@banyan/kernel/log";
import { partsOf } from "./entry.ts";
import type { Server } from "./server.ts";

const writtenWithinMs = 5_000;
const askAgainMs = 5;

/** What is added, message by message: Redis does it in one piece, and stops at the first that it refuses. */
const addAll = `for at = 1, #ARGV, 4 do
  redis.call("XADD", KEYS[1], "*", "id", ARGV[at], "type", ARGV[at + 1], "key", ARGV[at + 2], "body", ARGV[at + 3])
end`;

/**
 * Keeps messages a batch at a time: nothing is kept behind what was refused (no memory, a disk that fails, a replica). By a script,
 * since each command and each answer costs the client: a message kept, read and acknowledged takes 14 us of Node's CPU with a
 * transaction of XADDs, and 10 so (bench/src/log/ours.ts).
 */
export class Writer {
  private readonly server: Server;
  private readonly stream: string;
  private readonly writesFile: boolean;

  constructor({ server, stream, writesFile }: { server: Server; stream: string; writesFile: boolean }) {
    this.server = server;
    this.stream = stream;
    this.writesFile = writesFile;
  }

  /** Raises `log.unavailable`. */
  async keep(messages: readonly LogMessage[]): Promise<void> {
    await this.server.ask((redis) => redis.eval(addAll, 1, this.stream, ...messages.flatMap(partsOf)));
    if (this.writesFile) await this.written();
  }

  /**
   * Waits until the append-only file has it. Redis writes before it answers, except while an fsync of each second is under way:
   * then it answers first and writes up to two seconds later, and its death in between would lose what it had said to keep.
   * https://github.com/redis/redis/blob/7.0/src/aof.c flushAppendOnlyFile
   */
  private async written(): Promise<void> {
    const endMs = performance.now() + writtenWithinMs;
    while (!/^aof_buffer_length:0\r?$/m.test(await this.server.ask((redis) => redis.info("persistence")))) {
      if (performance.now() > endMs)
        throw logFaults.unavailable(undefined, { cause: new Error("Redis does not write its file") });
      await delay(askAgainMs);
    }
  }
}
