import { InProcessLog } from "@banyan/kernel/log";
import type { StoredEvent } from "@banyan/kernel/store";
import { Database, type Written } from "../memory/database.ts";
import { events } from "../memory/tables.ts";
import { Random } from "../time/random.ts";
import { type Life, newLife, Timeline } from "../time/timeline.ts";
import { drawWeather, type Weather } from "./weather.ts";

/** Midnight, 1 January 2026; each seed has a day of its own, so that ids of later seeds are later. */
const firstDay = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;
const uuids = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What a schedule happens in: time, dice, a database, and the lives that are not processes. */
export class World {
  readonly seed: number;
  readonly timeline: Timeline;
  /** For what the world does to the processes. */
  readonly dice: Random;
  readonly weather: Weather;
  readonly database: Database;
  readonly server: Life = newLife("database");
  readonly broker: Life = newLife("log");
  readonly log = new InProcessLog({ durable: "disk" });
  readonly outside: Life = newLife("world");
  /** What should never be seen, such as an error that nobody planned. */
  readonly failures: string[] = [];
  /** Told of what happens, where somebody reads along. */
  readonly tell: ((line: string) => void) | null;
  isStorming = true;
  /** What a trace calls events. */
  private readonly names = new Map<string, string>();
  isDatabaseUp = true;
  /** Draws how much of what was not on disk a crash takes. */
  private readonly memory: Random;

  constructor(seed: number, tell: ((line: string) => void) | null) {
    this.seed = seed;
    this.tell = tell;
    this.timeline = new Timeline(seed, firstDay + seed * dayMs);
    this.dice = new Random(seed, "what happens");
    this.memory = new Random(seed, "what a crash takes");
    this.weather = drawWeather(new Random(seed, "weather"));
    this.database = new Database(() => this.timeline.epoch + this.timeline.now);
    if (tell !== null) this.database.hearers.push((writes) => this.sayWritten(writes));
  }

  /** Whether it goes wrong now. After the storm nothing does. */
  strikes(probability: number): boolean {
    return probability > 0 && this.isStorming && this.dice.chance(probability);
  }

  /** One way between a process and anybody, in milliseconds. */
  latencyMs(): number {
    const { slow, slowMs } = this.weather;
    return this.strikes(slow) ? this.dice.between(0, slowMs) : this.dice.between(0.05, 1);
  }

  say(who: Life, line: string): void {
    if (this.tell === null) return;
    const named = line.replace(uuids, (id) => this.names.get(id) ?? id);
    this.tell(`${this.timeline.now.toFixed(3).padStart(11)}  ${who.name.padEnd(9)} ${named}`);
  }

  private sayWritten(writes: Written): void {
    for (const { id, type, key, version } of (writes.get(events.name)?.values() ?? []) as Iterable<StoredEvent>) {
      this.names.set(id, `${type}(${key} ${version})`);
    }
    const rows = [...writes].flatMap(([table, changed]) =>
      [...changed].map((row) => `${table} ${written(table, row)}`),
    );
    if (rows.length > 0) this.say(this.server, `commits ${rows.join("; ")}`);
  }

  /** Kills the database's sessions; it is back after a while. */
  crashDatabase(): void {
    if (!this.isDatabaseUp) return;
    this.isDatabaseUp = false;
    this.say(this.server, "dies");
    this.database.crash((most) => this.memory.whole(0, most));
    this.timeline.after(
      this.dice.between(1, this.weather.outageMs),
      this.server,
      ...(["recovers", () => this.recover()] as const),
    );
  }

  /** The log cannot be reached for a while. */
  cutLog(): void {
    if (!this.log.isUp) return;
    this.say(this.broker, "goes away");
    this.log.setUp(false);
    this.timeline.after(
      this.dice.between(1, this.weather.outageMs),
      this.broker,
      ...(["recovers", () => this.log.setUp(true)] as const),
    );
  }

  private recover(): void {
    this.isDatabaseUp = true;
    this.say(this.server, "is back");
  }
}

/** One written row on a line: the kernel's own by their keys alone, the services' in full. */
function written(table: string, [key, row]: readonly [key: string, row: unknown]): string {
  const name = key.replaceAll("\0", " ");
  if (row === undefined) return `${name} deleted`;
  return table.startsWith("banyan.") ? name : `${name} = ${JSON.stringify(row)}`;
}
