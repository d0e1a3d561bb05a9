import { setTimeout as delay } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";

type Listener = (message: string) => void;

/** The one channel of PostgreSQL that all of ours go over: a process listens to it once, on a connection of its own. */
export const notified = "banyan_kv";
const againMs = 250;

/** Hears of channels while somebody listens, and connects again where the connection breaks. */
export class Listening {
  private readonly connection: ClientConfig;
  private readonly listeners = new Map<string, Set<Listener>>();
  private client: Promise<Client> | null = null;
  private isClosed = false;

  constructor(connection: ClientConfig) {
    this.connection = connection;
  }

  async add(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners);
    // Each who subscribes has a listener of its own, though it be the same function.
    const own: Listener = (message) => listener(message);
    listeners.add(own);
    this.client ??= this.listen();
    try {
      await this.client;
    } catch (error) {
      this.client = null;
      throw error;
    }
    return async () => {
      listeners.delete(own);
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.client?.then((client) => client.end()).catch(() => {});
  }

  private async listen(): Promise<Client> {
    const client = new Client(this.connection);
    client.on("error", () => {});
    client.on("notification", ({ payload = "" }) => this.hear(payload));
    await client.connect();
    client.on("end", () => void this.listenAgain());
    await client.query(`LISTEN ${notified}`);
    return client;
  }

  private async listenAgain(): Promise<void> {
    while (!this.isClosed) {
      const again = this.listen();
      this.client = again;
      if (await again.then(() => true).catch(() => false)) return;
      await delay(againMs, undefined, { ref: false });
    }
  }

  private hear(payload: string): void {
    const at = payload.indexOf("\n");
    for (const listener of this.listeners.get(payload.slice(0, at)) ?? []) listener(payload.slice(at + 1));
  }
}
