import type { NatsConnection } from "@nats-io/transport-node";

/** After how many bytes the server is asked whether it has taken them: seldom enough to cost nothing, often enough to be a measure. */
const askEveryBytes = 256 * 1024;

/**
 * How much the server has not yet taken. NATS acknowledges no message, but it works through what one connection sends in
 * order: a PONG says that everything before its PING was taken. That bounds what waits in this process and in the sockets.
 */
export class Confirmations {
  private readonly connection: NatsConnection;
  private readonly bytesMax: number;
  /** There is room after there was none. */
  private readonly onRoom: () => void;
  private unconfirmed = 0;
  private unasked = 0;
  private full = false;

  constructor(options: {
    readonly connection: NatsConnection;
    readonly bytesMax: number;
    readonly onRoom: () => void;
  }) {
    this.connection = options.connection;
    this.bytesMax = options.bytesMax;
    this.onRoom = options.onRoom;
  }

  /** Counts what was just handed to the client. False: that is enough for now. */
  add(bytes: number): boolean {
    this.unconfirmed += bytes;
    this.unasked += bytes;
    if (this.unasked >= askEveryBytes) this.ask();
    if (this.unconfirmed > this.bytesMax) this.full = true;
    return !this.full;
  }

  private ask(): void {
    const bytes = this.unasked;
    this.unasked = 0;
    // A PING that is never answered went with its connection, and so did the bytes before it.
    const settle = () => this.subtract(bytes);
    this.connection.flush().then(settle, settle);
  }

  private subtract(bytes: number): void {
    this.unconfirmed -= bytes;
    if (!this.full || this.unconfirmed > this.bytesMax / 2) return;
    this.full = false;
    this.onRoom();
  }
}
