import type { LogMessage, ReadOptions } from "@banyan/kernel/log";
import type { Fetcher } from "./fetcher.ts";

export interface ReadRange extends ReadOptions {
  readonly fetcher: Fetcher;
  /** The first of each partition that is wanted, -1 where none is, and the first that is no more. */
  readonly starts: readonly bigint[];
  readonly ends: readonly bigint[];
}

/** The messages of a range of each partition, one broker after the other. */
export async function* readRange({ fetcher, starts, ends, types, signal }: ReadRange): AsyncGenerator<LogMessage[]> {
  for (const [node, partitions] of fetcher.leaders) {
    const positions = new Map(partitions.map((index) => [index, starts[index] ?? -1n]));
    const isDone = (index: number, at: bigint) => at < 0n || at >= (ends[index] ?? 0n);
    for (const [index, at] of positions) if (isDone(index, at)) positions.delete(index);
    while (positions.size > 0) {
      signal.throwIfAborted();
      const page: LogMessage[] = [];
      for (const { partition, next, read } of await fetcher.fetch(node, positions)) {
        const at = positions.get(partition);
        // An answer may go beyond what was there when it was asked for.
        if (at === undefined) continue;
        if (typeof read === "object" && types.includes(read.type)) page.push(read);
        if (isDone(partition, next)) positions.delete(partition);
        else positions.set(partition, next);
      }
      if (page.length > 0) yield page;
    }
  }
}
