import type { NatsServer } from "@banyan/nats-client";

/** How to reach JetStream, and what the log is made like where it is not there yet. */
export interface JetStreamLogOptions extends NatsServer {
  /** The first part of the names of streams, and the first token of subjects. Systems that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** What a new stream is made like; one that is there is left as its operator has set it. */
  readonly stream?: {
    /** How long messages are kept, whoever has read them, in milliseconds; 0 for ever. Default seven days. */
    readonly horizonMs?: number;
    /** On how many servers of a cluster. Default 1. */
    readonly replicas?: number;
    /** Above so many bytes `append` is refused until the oldest have passed the horizon. Default: as much as the disk has. */
    readonly bytesMax?: number;
    /** How long the server knows ids again, and stores a message of the same id once, in milliseconds. Default 120,000. */
    readonly duplicateWindowMs?: number;
  };
  /** The server has `sync_interval: always`, which no client can see: `traits.durable` is "disk". Default false. */
  readonly isSyncedAlways?: boolean;
}
