import type { Identity } from "../service/identity.ts";
import type { Clock } from "./clock.ts";
import type { Binding, ValidCall } from "./context.ts";
import { canonicalJson } from "./ids.ts";
import { Origin } from "./origin.ts";

interface Entry {
  readonly value: Promise<unknown>;
  readonly expiresAt: number;
  readonly tags: readonly string[];
}

const entriesMax = 10_000;

/**
 * Answers of cached queries, in memory, least lately stored out first. One load at a time per key. A tag that is invalidated
 * while a load runs takes the load out of the table, so that an answer read before the commit is not kept after it.
 */
export class QueryCache {
  private readonly entries = new Map<string, Entry>();
  private readonly tagged = new Map<string, Set<string>>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  answer({ binding, context, value }: ValidCall, load: (loader: Origin) => Promise<unknown>): Promise<unknown> {
    const { origin, notes } = context;
    const { tenant } = origin.identity;
    const key = `${binding.action.id}\0${tenant}\0${canonicalJson(value)}`;
    const found = this.entries.get(key);
    if (found !== undefined && found.expiresAt > this.clock.monotonic()) {
      if (notes !== undefined) notes.cached = true;
      return found.value;
    }
    if (found !== undefined) this.remove(key, found);
    const { ttlMs, tags } = binding.cache as NonNullable<Binding["cache"]>;
    const identity: Identity = { subject: "cache", tenant, permissions: new Set() };
    const entry: Entry = {
      value: load(new Origin(identity, origin.traceId, origin.metadata)).then(frozen),
      expiresAt: this.clock.monotonic() + ttlMs,
      tags: (tags?.(value as never) ?? []).map((tag) => tagKey(binding.service, tenant, tag)),
    };
    this.store(key, entry);
    entry.value.catch(() => this.remove(key, entry));
    return entry.value;
  }

  invalidate(service: string, tenant: string, tags: readonly string[]): void {
    for (const tag of tags) {
      for (const key of this.tagged.get(tagKey(service, tenant, tag)) ?? []) {
        const entry = this.entries.get(key);
        if (entry !== undefined) this.remove(key, entry);
      }
    }
  }

  private store(key: string, entry: Entry): void {
    const [oldest] = this.entries;
    if (this.entries.size >= entriesMax && oldest !== undefined) this.remove(...oldest);
    this.entries.set(key, entry);
    for (const tag of entry.tags) {
      const keys = this.tagged.get(tag);
      if (keys === undefined) this.tagged.set(tag, new Set([key]));
      else keys.add(key);
    }
  }

  private remove(key: string, entry: Entry): void {
    if (this.entries.get(key) !== entry) return;
    this.entries.delete(key);
    for (const tag of entry.tags) {
      const keys = this.tagged.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.tagged.delete(tag);
    }
  }
}

function tagKey(service: string, tenant: string, tag: string): string {
  return `${service}\0${tenant}\0${tag}`;
}

/** One answer goes to many callers, so none may change it. */
function frozen(value: unknown): unknown {
  if (value !== null && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) frozen(child);
  }
  return value;
}
