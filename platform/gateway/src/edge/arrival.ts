import type { Identity } from "@banyan/kernel";
import type { Connection } from "./connections.ts";

/** What the edge knows of a request once it is let in. Its `id` is its trace id. */
export interface Arrival {
  /** When its head was there, on the monotonic clock. */
  readonly at: number;
  readonly identity: Identity;
  readonly connection: Connection | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Null until it is let in; undefined where no route was looked for. */
    arrival: Arrival | null | undefined;
  }
}
