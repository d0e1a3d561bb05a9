import { setTimeout as delay } from "node:timers/promises";
import { asked, Listeners } from "@banyan/kernel/kv";
import { Client, type ClientConfig } from "pg";

/** The one channel of PostgreSQL that all of ours go over: a process listens to it once, on a connection of its own. */
export const notified = "banyan_kv";
const listen = `LISTEN ${notified}`;
const againMs = 250;

/** Hears of channels once somebody listens, and connects again where the connection breaks. */
export class Listening {
  private readonly connection: ClientConfig;
  private readonly listeners = new Listeners();
  private client: Promise<Client> | null = null;
  private isClosed = false;

  constructor(connection: ClientConfig) {
    this.connection = connection;
  }

  async add(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const leave = this.listeners.add(channel, listener);
    try {
      // Asked once more where it listens already: whether it still does.
      await asked(async () => (await this.connected()).query(listen));
    } catch (error) {
      leave();
      throw error;
    }
    return async () => {
      leave();
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.client?.then((client) => client.end()).catch(() => {});
  }

  /** The same connection for all who ask: over two every message would be heard twice. */
  private connected(): Promise<Client> {
    this.client ??= this.listen().catch((error: unknown) => {
      this.client = null;
      throw error;
    });
    return this.client;
  }

  private async listen(): Promise<Client> {
    const client = new Client(this.connection);
    client.on("error", () => {});
    client.on("notification", ({ payload = "" }) => {
      const at = payload.indexOf("\n");
      this.listeners.hear(payload.slice(0, at), payload.slice(at + 1));
    });
    try {
      await client.connect();
      await client.query(listen);
    } catch (error) {
      void client.end().catch(() => {});
      throw error;
    }
    client.on("end", () => void this.listenAgain());
    return client;
  }

  private async listenAgain(): Promise<void> {
    this.client = null;
    while (!this.isClosed) {
      const isListening = await this.connected().then(
        () => true,
        () => false,
      );
      if (isListening) return;
      await delay(againMs, undefined, { ref: false });
    }
  }
}
