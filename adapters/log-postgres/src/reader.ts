import { setTimeout as pause } from "node:timers/promises";
import type { ConsumeOptions, LogConsumer, LogMessage, LogReceiver, Receipt } from "@banyan/kernel/log";
import { Client, type ClientConfig } from "pg";

/** The messages of a page, of those that `rows` selects in the order of their positions: it ends with the one that reaches so many bytes of bodies. */
export function pageOf(rows: string, bytes = `${pageBytes}`): string {
  // `octet_length` of what lies apart is known without reading it.
  return `SELECT position, id, type, key, body FROM (
      SELECT *, sum(octet_length(body)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - octet_length(body) AS bytes_before
      FROM (${rows}) AS following) AS page
    WHERE bytes_before < ${bytes}`;
}

/** A row of the log, as `pg` gives it. */
export interface MessageRow {
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly key: string;
  readonly body: Buffer;
}

const lookMs = 1_000;
const againMs = 250;
const markMs = 50;
const pageCount = 1_000;
/** A page has to fit into memory, however long its messages are. */
const pageBytes = 8_000_000;

interface ReaderOptions extends ConsumeOptions {
  readonly receiver: LogReceiver;
  /** How to reach the database: a reader has a connection of its own, for it listens on it as long as it lives. */
  readonly connection: ClientConfig;
  readonly schema: string;
  readonly onClose: () => void;
}

/** One group's consumer: reads on from where the group stands, and moves it behind the oldest message that waits. */
export class Reader implements LogConsumer {
  private readonly options: ReaderOptions;
  private client: Client | null = null;
  /** Positions that wait for their acknowledgement, the oldest first, with the lengths of their bodies. */
  private readonly waiting = new Map<number, number>();
  private waitingBytes = 0;
  /** The last position that was looked at. */
  private last = 0;
  private marked = 0;
  private marking: NodeJS.Timeout | null = null;
  private isClosed = false;
  private wake: () => void = () => {};
  private isWoken = false;
  private running: Promise<void> = Promise.resolve();

  constructor(options: ReaderOptions) {
    this.options = options;
  }

  start(): void {
    this.running = this.run();
  }

  acknowledge(messages: readonly Receipt[]): void {
    for (const { receipt } of messages) {
      this.waitingBytes -= this.waiting.get(receipt as number) ?? 0;
      this.waiting.delete(receipt as number);
    }
    this.marking ??= setTimeout(() => void this.mark().catch(() => {}), markMs);
    this.look();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.look();
    // Without a connection there is nothing left to say, and one that is being made may take long to fail.
    if (this.client !== null) await this.running;
    this.options.onClose();
  }

  /** Reads while there is a connection that listens; where one breaks, begins again where the group stands. */
  private async run(): Promise<void> {
    while (!this.isClosed) {
      const client = new Client(this.options.connection);
      try {
        await this.readOn(client);
      } catch (error) {
        // Both at once: what nobody waits for up to `last` counts as acknowledged.
        this.waiting.clear();
        this.waitingBytes = 0;
        this.last = this.marked;
        if (this.isClosed) return;
        this.options.receiver.lost(error as Error);
        await pause(againMs);
      } finally {
        this.client = null;
        // Not awaited: a server that was cut off does not answer the goodbye.
        void client.end().catch(() => {});
      }
    }
  }

  private async readOn(client: Client): Promise<void> {
    const { schema, name } = this.options;
    client.on("notification", () => this.look());
    let broken: Error | null = null;
    client.on("error", (error) => {
      broken = error;
      this.look();
    });
    await client.connect();
    this.client = client;
    await client.query(`LISTEN ${schema}`);
    const { rows } = await client.query<{ position: string }>(`SELECT position FROM ${schema}.reader WHERE name = $1`, [
      name,
    ]);
    this.last = Number(rows[0]?.position ?? 0);
    this.marked = this.last;
    while (!this.isClosed) {
      if (broken !== null) throw broken;
      this.isWoken = false;
      const isMore = await this.page(client);
      if (!isMore) await this.untilWoken();
    }
    await this.mark();
  }

  /** Hands on what is new, as far as there is room; answers whether more may be there and has room. */
  private async page(client: Client): Promise<boolean> {
    const { receiver, types, schema } = this.options;
    const room = Math.min(pageCount, this.room);
    const bytes = Math.min(pageBytes, this.roomBytes);
    if (room <= 0 || bytes <= 0) return false;
    // In one statement, so that what is skipped as another type was there when the end was read.
    const { rows } = await client.query<MessageRow & { readonly end: string }>({
      name: `page ${schema}`,
      text: `SELECT e."end", m.* FROM (SELECT coalesce(max(position), 0) AS "end" FROM ${schema}.message) AS e
        LEFT JOIN LATERAL (${pageOf(
          `SELECT position, id, type, key, body FROM ${schema}.message
          WHERE position > $1 AND type = ANY ($2) ORDER BY position LIMIT $3`,
          "$4",
        )}) AS m ON true ORDER BY m.position`,
      values: [this.last, types, room, bytes],
    });
    const found = rows.filter(({ position }) => position !== null);
    const foundBytes = found.reduce((sum, { body }) => sum + body.length, 0);
    const isFull = found.length === room || foundBytes >= bytes;
    this.last = isFull ? Number(found.at(-1)?.position) : Math.max(this.last, Number(rows[0]?.end));
    for (const { position, body } of found) this.waiting.set(Number(position), body.length);
    this.waitingBytes += foundBytes;
    if (found.length > 0) {
      receiver.received(found.map((row) => ({ ...messageOf(row), receipt: Number(row.position) })));
    } else if (this.waiting.size === 0 && this.last > this.marked) {
      this.marking ??= setTimeout(() => void this.mark().catch(() => {}), markMs);
    }
    return isFull && this.room > 0 && this.roomBytes > 0;
  }

  private get room(): number {
    return this.options.inFlightMax - this.waiting.size;
  }

  private get roomBytes(): number {
    return this.options.inFlightBytesMax - this.waitingBytes;
  }

  private look(): void {
    this.isWoken = true;
    this.wake();
  }

  private async untilWoken(): Promise<void> {
    if (this.isWoken || this.isClosed) return;
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    await Promise.race([woken, pause(lookMs, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
  }

  /** Moves the group behind the oldest message that waits. */
  private async mark(): Promise<void> {
    if (this.marking !== null) clearTimeout(this.marking);
    this.marking = null;
    const { schema, name } = this.options;
    const [oldest] = this.waiting.keys();
    const position = oldest === undefined ? this.last : oldest - 1;
    if (this.client === null || position <= this.marked) return;
    await this.client.query({
      name: `mark ${schema}`,
      text: `UPDATE ${schema}.reader SET position = greatest(position, $2) WHERE name = $1`,
      values: [name, position],
    });
    this.marked = Math.max(this.marked, position);
  }
}

/** The message of a row. */
export function messageOf({ id, type, key, body }: MessageRow): LogMessage {
  return { id, type, key, body };
}
