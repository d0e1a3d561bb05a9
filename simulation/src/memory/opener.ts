import type { OutboxEvent } from "@banyan/kernel/store";
import type { Dialect } from "./dialect.ts";
import type { Connections } from "./lane.ts";

/** What the transactions of one process's store need. */
export interface Opener extends Connections {
  readonly dialect: Dialect;
  /** Tells the other processes that events or jobs were stored. */
  announce(): void;
}

/** Tells of a commit that has something for other processes. */
export function announced(
  opener: Opener,
  { events, jobs }: { readonly events: readonly unknown[]; readonly jobs: readonly unknown[] },
  stored: readonly OutboxEvent[],
): { readonly events: readonly OutboxEvent[] } {
  if (events.length + jobs.length > 0) opener.announce();
  return { events: stored };
}
