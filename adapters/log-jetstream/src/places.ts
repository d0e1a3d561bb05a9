import { logFaults } from "@banyan/kernel/log";
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import type { Link } from "./link.ts";
import type { Names } from "./names.ts";

/** Where a group stands in the stream. */
export interface Place {
  /** The sequence number up to which everything is acknowledged. */
  readonly floor: number;
  /** How many are acknowledged above it. */
  readonly beyond: number;
}

/** A place as it is stored. `log` says by its time of creation which stream is meant: the numbers of another one mean nothing. */
interface Stored extends Place {
  readonly log: string;
}

/** The groups' places, one value of a bucket for each: `nats kv get banyan-groups ledger`. */
export class Places {
  private readonly link: Link;
  private readonly manager: JetStreamManager;
  private readonly names: Names;

  constructor({ link, manager, names }: { link: Link; manager: JetStreamManager; names: Names }) {
    this.link = link;
    this.manager = manager;
    this.names = names;
  }

  /** Null for a group that has none in the stream of that time. */
  async read(group: string, log: string): Promise<Place | null> {
    try {
      const found = await this.manager.streams.getMessage(this.names.places, { last_by_subj: this.names.place(group) });
      const stored = found === null || found.data.length === 0 ? null : found.json<Stored>();
      return stored?.log === log ? stored : null;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return null;
      throw error;
    }
  }

  async write(group: string, { floor, beyond, log }: Stored): Promise<void> {
    const value = JSON.stringify({ floor, beyond, log });
    const { connection } = this.link;
    const answer = await this.link.whileUp(() =>
      connection.request(this.names.place(group), value, { timeout: 5_000 }),
    );
    const { error } = answer.json<{ readonly error?: { readonly description: string } }>();
    if (error !== undefined) throw logFaults.unavailable(undefined, { cause: new Error(error.description) });
  }
}
