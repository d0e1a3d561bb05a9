import type { NatsServer } from "@banyan/nats-client";

/** How to reach NATS, and under which name the nodes of one system find each other there. */
export interface NatsBusOptions extends NatsServer {
  /** The first token of every subject. Systems that share a server must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** Bytes that the server has not yet taken, above which `send` answers false. Default 4 MiB. */
  readonly unconfirmedBytesMax?: number;
}
