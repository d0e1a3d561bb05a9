import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Limits } from "../limits.ts";
import { addressKey } from "./client-address.ts";

/** What the edge knows of one connection, for as long as it is open. */
export interface Connection {
  /** The peer's: a client's, or a proxy's. */
  readonly address: string;
  /** The bucket of the peer's address. */
  readonly addressKey: string;
  /** Aborts when the connection closes. One for all its requests: HTTP/1.1 answers them one at a time. */
  readonly closed: AbortSignal;
  /** While a body without end is read: who reads it sees to its pace, and Node does not cut it. */
  isEndless: boolean;
}

/** On the socket itself: every request asks, and a map would hash each time. */
const connectionOf = Symbol("connection");

declare module "node:net" {
  interface Socket {
    [connectionOf]?: Connection;
  }
}

interface Tracked extends Connection {
  readonly abort: AbortController;
  /** Bytes that wait for the client, as last seen, and when they must be gone. */
  waiting: number;
  dueAt: number;
}

/** Of a request whose connection has closed before it was looked at. */
const unknown: Connection = { address: "", addressKey: "unknown", closed: AbortSignal.abort(), isEndless: false };

/** Whether a body without end is read from the socket. */
export function isEndless(socket: Socket): boolean {
  return socket[connectionOf]?.isEndless === true;
}

const sweepMs = 1_000;

/**
 * Watches a server's connections: caps those of one address, tells calls that their client is gone, and cuts clients
 * that read an answer too slowly. Node itself cuts those that do not read at all, or send slowly, and caps the total.
 */
export class Connections {
  private readonly tracked = new Map<Socket, Tracked>();
  private readonly perAddress = new Map<string, number>();
  private readonly limits: Limits;
  private readonly isTrusted: (address: string) => boolean;
  private timer: NodeJS.Timeout | undefined;

  constructor(limits: Limits, isTrusted: (address: string) => boolean) {
    this.limits = limits;
    this.isTrusted = isTrusted;
  }

  /** Begins to watch; ends with the server. */
  watch(server: Server): void {
    server.on("connection", (socket) => this.opened(socket));
    const everyMs = Math.min(sweepMs, this.limits.unreadTimeoutMs / 4);
    this.timer = setInterval(() => this.sweep(performance.now()), everyMs).unref();
    server.once("close", () => clearInterval(this.timer));
  }

  get count(): number {
    return this.tracked.size;
  }

  of(socket: Socket): Connection {
    return socket[connectionOf] ?? unknown;
  }

  private opened(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const key = addressKey(address);
    const count = (this.perAddress.get(key) ?? 0) + 1;
    if (count > this.limits.connectionsPerAddressMax && !this.isTrusted(address)) {
      socket.destroy();
      return;
    }
    this.perAddress.set(key, count);
    const abort = new AbortController();
    const entry = { address, addressKey: key, closed: abort.signal, abort, isEndless: false, waiting: 0, dueAt: 0 };
    this.tracked.set(socket, entry);
    socket[connectionOf] = entry;
    socket.once("close", () => {
      const left = (this.perAddress.get(key) ?? 1) - 1;
      if (left === 0) this.perAddress.delete(key);
      else this.perAddress.set(key, left);
      this.tracked.delete(socket);
      abort.abort();
    });
  }

  /**
   * Nothing tells how far a write has come until it is done, so each gets the time that its bytes take at the least pace;
   * that none of them moves, Node's own timeout sees. It is set here, on the few that wait, because on every request it
   * would cost 2 %; Node takes it off with the end of the answer.
   */
  private sweep(now: number): void {
    const { unreadTimeoutMs, readBytesPerSecondMin } = this.limits;
    for (const [socket, entry] of this.tracked) {
      const waiting = socket.writableLength;
      const isNew = waiting !== entry.waiting;
      entry.waiting = waiting;
      if (waiting === 0) continue;
      if (isNew) {
        entry.dueAt = now + unreadTimeoutMs + (waiting / readBytesPerSecondMin) * 1_000;
        socket.setTimeout(unreadTimeoutMs);
      } else if (now > entry.dueAt) socket.destroy();
    }
  }
}
