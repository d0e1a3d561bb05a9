import { AppendQueue, type LogGroup, type LogMessage, type ReadOptions } from "@banyan/kernel/log";
import { type Entry, isBefore, messageOf, typeOf } from "./entry.ts";
import { Groups } from "./groups.ts";
import type { Server } from "./server.ts";
import { Writer } from "./writer.ts";

/** Redis would take more; large messages hold up the small ones, and all of them lie in its memory. */
export const messageBytesMax = 1024 * 1024;

const batchMessagesMax = 500;
const batchBytesMax = 4 * 1024 * 1024;
const pageEntries = 100;

/** So many entries behind its place are looked at for a group's lag; how many of more are of its types is taken from these. */
const countedMax = 10_000;

const trimAtMostEveryMs = 60_000;

export interface SessionOptions {
  readonly server: Server;
  /** A server as that one, not connected, that does not connect again. */
  readonly another: () => Server;
  readonly stream: string;
  readonly writesFile: boolean;
  readonly horizonMs: number;
}

/** An open log: its connection for everything but waiting, and what is done over it. */
export class Session {
  readonly server: Server;
  readonly another: () => Server;
  readonly stream: string;
  readonly groups: Groups;
  readonly queue: AppendQueue;
  readonly writesFile: boolean;
  private readonly horizonMs: number;
  private readonly writer: Writer;
  private trimmedAtMs = performance.now();

  constructor({ server, another, stream, writesFile, horizonMs }: SessionOptions) {
    this.server = server;
    this.another = another;
    this.stream = stream;
    this.writesFile = writesFile;
    this.horizonMs = horizonMs;
    this.groups = new Groups(server, stream);
    this.writer = new Writer({ server, stream, writesFile });
    this.queue = new AppendQueue({
      keep: (messages) => this.keep(messages),
      messageBytesMax,
      batchMessagesMax,
      batchBytesMax,
    });
  }

  async *read({ types, since, signal }: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    const wanted = new Set(types);
    const [last] = await this.server.ask((redis) => redis.xrevrangeBuffer(this.stream, "+", "-", "COUNT", 1));
    if (last === undefined) return;
    for await (const entries of this.entries({ from: `${Math.max(0, since)}`, to: last[0].toString() }, pageEntries)) {
      signal.throwIfAborted();
      const messages = entries.filter((entry) => wanted.has(typeOf(entry))).map(messageOf);
      yield messages.filter((message) => typeof message !== "string");
    }
  }

  /** Exact up to `countedMax` entries behind the group's place; beyond, as many in the hundred are taken to be of its types. */
  async lag({ name, types }: LogGroup): Promise<number> {
    const wanted = new Set(types);
    const [groups, beyond] = await Promise.all([this.groups.all(), this.groups.beyond(name)]);
    const { id = "0-0", behind = null } = groups.find((group) => group.name === name) ?? {};
    let [looked, counted] = [0, 0];
    for await (const entries of this.entries({ from: `(${id}`, to: "+" }, countedMax / 10)) {
      looked += entries.length;
      counted += entries.filter((entry) => wanted.has(typeOf(entry))).length;
      if (looked >= countedMax) break;
    }
    const all = looked < countedMax ? looked : Math.max(looked, behind ?? 0);
    return Math.max(0, Math.round((counted / Math.max(1, looked)) * all) - beyond);
  }

  private async keep(messages: readonly LogMessage[]): Promise<void> {
    await this.writer.keep(messages);
    if (performance.now() - this.trimmedAtMs < Math.min(trimAtMostEveryMs, this.horizonMs / 2)) return;
    this.trimmedAtMs = performance.now();
    // What fails is done by the next one.
    this.trim().catch(() => {});
  }

  /** Takes away what is older than the horizon, but nothing that a group has not acknowledged. */
  private async trim(): Promise<void> {
    const groups = await this.groups.all();
    const [seconds] = await this.server.ask((redis) => redis.time());
    const horizon = `${Math.max(0, Number(seconds) * 1_000 - this.horizonMs)}-0`;
    const first = groups.map(({ id }) => id).reduce((one, other) => (isBefore(other, one) ? other : one), horizon);
    // Whole nodes of the stream, 10,000 entries a call: Redis serves nobody else meanwhile.
    while ((await this.server.ask((redis) => redis.xtrim(this.stream, "MINID", "~", first))) > 0);
  }

  private async *entries(
    { from, to }: { readonly from: string; readonly to: string },
    count: number,
  ): AsyncGenerator<readonly Entry[]> {
    for (let start = from; ; ) {
      const entries = await this.server.ask((redis) => redis.xrangeBuffer(this.stream, start, to, "COUNT", count));
      if (entries.length > 0) yield entries;
      if (entries.length < count) return;
      start = `(${entries.at(-1)?.[0]}`;
    }
  }
}
