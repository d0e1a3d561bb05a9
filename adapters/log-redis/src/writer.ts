import { setTimeout as delay } from "node:timers/promises";
import { type LogMessage, logFaults } from "@banyan/kernel/log";
import { withoutCommand } from "@banyan/redis-client";
import { fieldsOf } from "./entry.ts";
import type { Server } from "./server.ts";

const writtenWithinMs = 5_000;
const askAgainMs = 5;

/**
 * Keeps messages in transactions: Redis adds all of one or none, so that nothing is kept behind what was refused (no memory, a
 * disk that fails, a replica).
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
    const answers = await this.server.ask((redis) => {
      const transaction = redis.multi();
      for (const message of messages) transaction.xadd(this.stream, ...fieldsOf(message));
      return transaction.exec().catch(theReason);
    });
    const failure = answers === null ? new Error("the transaction was dropped") : answers.find(([error]) => error)?.[0];
    if (failure) throw logFaults.unavailable(undefined, { cause: withoutCommand(failure) });
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

/** A transaction that Redis gave up says only that it did; what was against its commands is beside. */
function theReason(error: Error & { readonly previousErrors?: readonly Error[] }): never {
  throw error.previousErrors?.[0] ?? error;
}
