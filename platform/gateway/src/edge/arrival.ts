import type { Identity } from "@banyan/kernel";
import type { Connection } from "./connections.ts";

/** What the edge knows of a request from its head. */
export interface Arrival {
  /** When its head was there, on the monotonic clock. */
  readonly at: number;
  /** 32 hexadecimal digits of W3C Trace Context. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the caller's span; undefined where the trace begins here. */
  readonly parentSpanId: string | undefined;
  /** Which of the headers that matter are there; see `head`. */
  readonly bits: number;
  readonly connection: Connection;
  identity: Identity;
}

declare module "node:http" {
  interface IncomingMessage {
    /** Set by the front door before anything else sees the request. */
    arrival: Arrival;
  }
}
