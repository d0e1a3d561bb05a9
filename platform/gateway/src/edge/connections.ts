import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Limits } from "../limits.ts";
import { addressKey } from "./client-address.ts";

/** What the edge knows of one connection, for as long as it is open. */
export interface Connection {
  /** The bucket of the peer's address. */
  readonly addressKey: string;
  /** Aborts when the connection closes. One for all its requests: HTTP/1.1 answers them one at a time. */
  readonly closed: AbortSignal;
}

interface Tracked extends Connection {
  readonly abort: AbortController;
  /** When bytes were first seen waiting for the client, and how many it had taken by then. */
  stalledAt: number | undefined;
  takenThen: number;
}

const sweepMs = 1_000;
/** A client that takes less of a waiting answer in `unreadTimeoutMs` than this per second is holding it, not reading. */
const bytesPerSecondMin = 1_024;

/**
 * Watches a server's connections: caps those of one address, tells calls that their client is gone, and cuts clients
 * that ask and do not read. Node itself cuts slow headers and bodies and caps the total.
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
    const everyMs = Math.min(sweepMs, this.limits.unreadTimeoutMs / 2);
    this.timer = setInterval(() => this.sweep(performance.now()), everyMs).unref();
    server.once("close", () => clearInterval(this.timer));
  }

  get count(): number {
    return this.tracked.size;
  }

  of(socket: Socket): Connection | undefined {
    return this.tracked.get(socket);
  }

  private opened(socket: Socket): void {
    const key = addressKey(socket.remoteAddress);
    const count = (this.perAddress.get(key) ?? 0) + 1;
    if (count > this.limits.connectionsPerAddressMax && !this.isTrusted(socket.remoteAddress ?? "")) {
      socket.destroy();
      return;
    }
    this.perAddress.set(key, count);
    const abort = new AbortController();
    this.tracked.set(socket, { addressKey: key, closed: abort.signal, abort, stalledAt: undefined, takenThen: 0 });
    socket.once("close", () => {
      const left = (this.perAddress.get(key) ?? 1) - 1;
      if (left === 0) this.perAddress.delete(key);
      else this.perAddress.set(key, left);
      this.tracked.delete(socket);
      abort.abort();
    });
  }

  private sweep(now: number): void {
    for (const [socket, entry] of this.tracked) {
      if (socket.writableLength === 0) {
        entry.stalledAt = undefined;
        continue;
      }
      const taken = socket.bytesWritten - socket.writableLength;
      if (entry.stalledAt === undefined) {
        entry.stalledAt = now;
        entry.takenThen = taken;
        continue;
      }
      const stalledMs = now - entry.stalledAt;
      if (stalledMs < this.limits.unreadTimeoutMs) continue;
      if (taken - entry.takenThen < (bytesPerSecondMin * stalledMs) / 1_000) socket.destroy();
      else entry.stalledAt = undefined;
    }
  }
}
