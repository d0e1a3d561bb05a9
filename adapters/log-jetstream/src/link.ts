import { setTimeout as delay } from "node:timers/promises";
import { logFaults } from "@banyan/kernel/log";
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";

/** The connection, and word of its going. */
export class Link {
  readonly connection: NatsConnection;
  private isConnected = true;
  private readonly hearers = new Set<(reason: Error) => void>();

  private constructor(connection: NatsConnection) {
    this.connection = connection;
    void this.watch();
  }

  /** The client cannot be told to give up: what comes of it after an abort is closed. */
  static async open(options: NodeConnectionOptions, signal: AbortSignal): Promise<Link> {
    signal.throwIfAborted();
    const connecting = connect(options);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return new Link(await Promise.race([connecting, aborted]));
    } catch (cause) {
      connecting.then((late) => late.close()).catch(() => {});
      signal.throwIfAborted();
      throw logFaults.unavailable(undefined, { cause });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** False while there is no server: the client would keep what is sent, and send it when nobody waits for it any more. */
  get isUp(): boolean {
    return this.isConnected && this.connection.info !== undefined;
  }

  /** Tells whenever the connection went, until the answer is called. */
  onGone(hear: (reason: Error) => void): () => void {
    this.hearers.add(hear);
    return () => void this.hearers.delete(hear);
  }

  /** What `work` comes to; `log.unavailable` where the connection is not there, or goes meanwhile. */
  whileUp<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (cause: unknown) => reject(logFaults.unavailable(undefined, { cause }));
    if (this.isUp) {
      const forget = this.onGone(fail);
      work().then(resolve, fail).finally(forget);
    } else fail(new Error("no connection to NATS"));
    return promise;
  }

  async close(deadlineMs: number): Promise<void> {
    // Without a connection there is nothing to drain into, and the client would wait for one.
    const drained = this.isUp ? this.connection.drain().catch(() => {}) : undefined;
    await Promise.race([drained, delay(deadlineMs, undefined, { ref: false })]);
    await this.connection.close();
    this.gone();
  }

  private async watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect" || type === "close") this.gone();
      else if (type === "reconnect") this.isConnected = true;
    }
  }

  private gone(): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    for (const hear of [...this.hearers]) hear(new Error("the connection to NATS broke"));
  }
}
