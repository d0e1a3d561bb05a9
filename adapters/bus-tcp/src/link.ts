import type { Socket } from "node:net";
import type { Outgoing } from "@banyan/kernel/bus";

/** Who hears of a link. */
export interface LinkEars {
  /** The bytes are the link's again when the call returns. */
  received(bytes: Buffer): void;
  /** After a `write` that answered false: the queue is empty again. */
  writable(): void;
  /** Once. What waited has failed, what the socket had taken counts as sent. */
  closed(reason: Error): void;
}

/** A socket that holds more is full. Its own mark counts a batch that the kernel took at once, and so calls every large one too much. */
const SOCKET_BYTES_HIGH = 256 * 1_024;
/** Beyond this a peer that reads nothing costs more memory than its calls are worth. */
const QUEUE_BYTES_MAX = 16 * 1_024 * 1_024;
/**
 * Node makes an ArrayBuffer for each read. One of this size is given back at once: left to the collector, which goes through the
 * whole heap for every 64 MB of them, they were half of what receiving a stream costs, and a third of calls of 10 KB.
 */
const GIVEN_BACK_BYTES_MIN = 4_096;
/** Finds a machine that went away without a word where nobody pings: the kernel's own pings are quicker. */
const KEEPALIVE_MS = 15_000;

/**
 * A connection whose two ends know each other.
 * L1  While the socket is full, batches wait here, so that those that it never took are known when it breaks.
 * L2  Each batch is told sent or failed exactly once.
 */
export class Link {
  readonly #socket: Socket;
  readonly #ears: LinkEars;
  readonly #closed = Promise.withResolvers<void>();
  #queue: Outgoing[] = [];
  #queuedBytes = 0;
  #full = false;
  #ending = false;
  #error: Error | undefined;

  constructor(socket: Socket, ears: LinkEars) {
    this.#socket = socket;
    this.#ears = ears;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on("data", (bytes) => {
      ears.received(bytes);
      if (bytes.length >= GIVEN_BACK_BYTES_MIN) (bytes.buffer as ArrayBuffer).transfer(0);
    });
    socket.on("drain", () => this.#drain());
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => {
      const reason = this.#error ?? new Error("the connection was closed");
      this.#full = true;
      for (const batch of this.#queue.splice(0)) batch.failed(reason);
      ears.closed(reason);
      this.#closed.resolve();
    });
  }

  /** Begins to hear, first of what came behind the preamble. The socket was paused until now. */
  start(rest: Buffer): void {
    if (rest.length > 0) this.#ears.received(rest);
    this.#socket.resume();
  }

  /** False where the socket is full; the batch was taken all the same, unless sixteen megabytes wait already. */
  write(batch: Outgoing): boolean {
    if (!this.#full) {
      this.#full = !this.#hand(batch);
      return !this.#full;
    }
    if (this.#socket.destroyed || this.#ending || this.#queuedBytes + batch.frames.length > QUEUE_BYTES_MAX) {
      process.nextTick(() => batch.failed(new Error("the connection is closed, or takes no more")));
      return false;
    }
    this.#queue.push(batch);
    this.#queuedBytes += batch.frames.length;
    return false;
  }

  /** Sends what waits, then says goodbye; resolves when the connection is closed. */
  end(): Promise<void> {
    this.#ending = true;
    this.#full = true;
    if (this.#queue.length === 0) this.#socket.end();
    return this.#closed.promise;
  }

  /** Breaks off; `closed` follows. */
  destroy(reason: Error): void {
    this.#socket.destroy(reason);
  }

  #drain(): void {
    this.#full = false;
    let taken = 0;
    this.#socket.cork();
    for (const batch of this.#queue) {
      if (this.#full) break;
      this.#full = !this.#hand(batch);
      this.#queuedBytes -= batch.frames.length;
      taken++;
    }
    this.#queue.splice(0, taken);
    this.#socket.uncork();
    if (this.#queue.length > 0) return;
    if (this.#ending) void this.end();
    else if (!this.#full) this.#ears.writable();
  }

  /** Whether there is room for more. */
  #hand(batch: Outgoing): boolean {
    return this.#socket.write(batch.frames, () => batch.sent()) || this.#socket.writableLength < SOCKET_BYTES_HIGH;
  }
}
