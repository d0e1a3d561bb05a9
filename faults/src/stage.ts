import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@banyan/embedded-postgres";
import { Client as Database } from "pg";
import type { Engine } from "./engines.ts";
import { type Abilities, fakeClock } from "./machine/abilities.ts";
import { FakeClock } from "./machine/clock.ts";
import { Namespace } from "./machine/namespace.ts";
import { SmallDisk } from "./machine/small-disk.ts";
import { TcpProxy } from "./proxy.ts";
import type { Random } from "./random.ts";
import { LogServer } from "./server.ts";
import { Subject, type SubjectOptions } from "./subject/subject.ts";

/** Of the application's processes. */
const places = [0, 1] as const;
/** So that even what PostgreSQL's own log takes between two checkpoints has room. */
const databaseMegabytes = 1_536;
/** RabbitMQ wants 50 of them free. */
const logMegabytes = 400;
const parent = fileURLToPath(new URL("../../.banyan/", import.meta.url));

/** A disk that can be filled, and who is on it. */
export interface StageDisk {
  readonly disk: SmallDisk;
  /** Undefined where it is the database's, which starts again by itself. */
  readonly server: LogServer | undefined;
}

interface StageParts {
  readonly postgres: EmbeddedPostgres;
  readonly engine: Engine;
  readonly logServer: LogServer | undefined;
  readonly proxies: readonly TcpProxy[];
  readonly options: SubjectOptions;
  readonly logUrl: string;
  readonly disks: readonly StageDisk[];
  readonly namespaces: readonly Namespace[];
  readonly clocks: readonly FakeClock[];
  /** Undoes all of it, the last first, also where some of it does not let itself be undone. */
  readonly made: AsyncDisposableStack;
}

/** Everything that one round needs: a database and an engine, each behind a proxy, and processes that are started again when they end. */
export class Stage implements Omit<StageParts, "made">, AsyncDisposable {
  readonly postgres: EmbeddedPostgres;
  readonly engine: Engine;
  /** The log's own server; undefined where the database is the log, or where nobody here may kill it. */
  readonly logServer: LogServer | undefined;
  /** To the database, and to the log where it has a server. */
  readonly proxies: readonly TcpProxy[];
  readonly options: SubjectOptions;
  readonly logUrl: string;
  /** Those below are empty where the machine does not let us. */
  readonly disks: readonly StageDisk[];
  /** By the process's place. */
  readonly namespaces: readonly Namespace[];
  readonly clocks: readonly FakeClock[];
  subjects: Subject[] = [];
  private readonly made: AsyncDisposableStack;
  private isClosed = false;
  private readonly keeping: Promise<void>[] = [];

  private constructor(parts: StageParts) {
    this.postgres = parts.postgres;
    this.engine = parts.engine;
    this.logServer = parts.logServer;
    this.proxies = parts.proxies;
    this.options = parts.options;
    this.logUrl = parts.logUrl;
    this.disks = parts.disks;
    this.namespaces = parts.namespaces;
    this.clocks = parts.clocks;
    this.made = parts.made;
    this.made.defer(async () => void (await Promise.all(this.keeping)));
    this.made.defer(async () => void (await Promise.all(this.subjects.map((subject) => subject.stop()))));
  }

  static async open(engine: Engine, namespace: string, { random, abilities }: StageOptions): Promise<Stage> {
    await using made = new AsyncDisposableStack();
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(join(parent, "faults-"));
    made.defer(() => rmSync(folder, { recursive: true, force: true }));
    const dataFolder = join(folder, "postgres");
    const disks: StageDisk[] = [];
    if (abilities.diskFulls === undefined) {
      const disk = made.adopt(SmallDisk.over(dataFolder, databaseMegabytes), (one) => one.close());
      disks.push({ disk, server: undefined });
    }
    const postgres = await startEmbeddedPostgres({ dataFolder });
    made.defer(async () => void (await postgres.stop()));
    // A database ends better with room.
    for (const { disk } of disks) made.defer(() => disk.free());
    const direct = engine.server === undefined ? postgres.url : (process.env[variableOf(engine.server)] as string);
    const database = await behind(postgres.url, random);
    made.defer(() => database.proxy.close());
    const log = engine.server === undefined || !engine.bearsProxy ? undefined : await behind(direct, random);
    made.defer(() => log?.proxy.close());
    const options = {
      databaseUrl: database.url,
      logUrl: engine.server === undefined ? database.url : (log?.url ?? direct),
      namespace,
      engine: engine.name,
    };
    const proxies = log === undefined ? [database.proxy] : [database.proxy, log.proxy];
    const logServer = engine.server === undefined ? undefined : LogServer.of(engine.server);
    if (logServer !== undefined && abilities.diskFulls === undefined) {
      const disk = made.adopt(await logServer.moveTo(logMegabytes), (one) => logServer.leave(one));
      disks.push({ disk, server: logServer });
    }
    const namespaces = abilities.cuts === undefined ? await namespacesFor(proxies) : [];
    for (const one of namespaces) made.defer(() => one.close());
    if (engine.server !== undefined && !engine.bearsProxy) {
      const own = await behindOwnAddress(direct, namespaces, random);
      for (const proxy of own) made.defer(() => proxy.close());
      proxies.push(...own);
    }
    const library = abilities.clockJumps === undefined ? fakeClock() : undefined;
    const clocks =
      library === undefined ? [] : places.map((place) => new FakeClock(join(folder, `clock-${place}`), library));
    return new Stage({
      postgres,
      engine,
      logServer,
      proxies,
      options,
      logUrl: direct,
      disks,
      namespaces,
      clocks,
      made: made.move(),
    });
  }

  async start(): Promise<void> {
    // One behind the other: migrations wait for each other anyway.
    for (const place of places) {
      this.subjects.push(await this.startAt(place));
      const keeping = this.keep(place);
      // Who waits for the process is told, and who clears away.
      keeping.catch(() => {});
      this.keeping.push(keeping);
    }
  }

  /** A connection of one's own to the database, past the proxy. */
  async connect(): Promise<Database> {
    const client = new Database({ connectionString: this.postgres.url });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** By the database's clock. */
  async now(): Promise<Date> {
    const client = await this.connect();
    const { rows } = await client.query<{ now: Date }>("SELECT clock_timestamp() AS now");
    await client.end();
    return (rows[0] as { now: Date }).now;
  }

  alive(): Subject[] {
    return this.subjects.filter(({ isAlive }) => isAlive);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    await this.made.disposeAsync();
  }

  private startAt(place: number): Promise<Subject> {
    return Subject.start(this.options, {
      entrance: this.namespaces[place]?.entrance ?? [],
      environment: this.clocks[place]?.environment ?? {},
    });
  }

  /** Starts the process again whenever it ends. */
  private async keep(place: number): Promise<void> {
    for (;;) {
      await this.subjects[place]?.ended;
      if (this.isClosed) return;
      await this.startAgain(place);
    }
  }

  private async startAgain(place: number): Promise<void> {
    for (let tries = 0; !this.isClosed; tries++) {
      try {
        const subject = await this.startAt(place);
        this.subjects[place] = subject;
        // It missed the end of the others.
        if (this.isClosed) await subject.stop();
        return;
      } catch (error) {
        // A server may be away just now.
        if (tries === 20) throw error;
        await pause(250);
      }
    }
  }
}

interface StageOptions {
  readonly random: Random;
  readonly abilities: Abilities;
}

/** One for each process, from where each proxy is reached as from here. */
async function namespacesFor(proxies: readonly TcpProxy[]): Promise<Namespace[]> {
  const namespaces: Namespace[] = [];
  for (const place of places) {
    const namespace = await Namespace.create(place);
    namespaces.push(namespace);
    for (const proxy of proxies) await proxy.listen({ host: namespace.host, port: proxy.port });
  }
  return namespaces;
}

/** A server that tells its clients its own address is there behind a proxy for who is in a namespace. */
async function behindOwnAddress(url: string, namespaces: readonly Namespace[], random: Random): Promise<TcpProxy[]> {
  const [hostname = "", port] = url.split(":");
  if (namespaces.length === 0) return [];
  const proxy = await TcpProxy.to({ host: hostname, port: Number(port) }, random);
  for (const { host } of namespaces) await proxy.listen({ host, port: Number(port) });
  return [proxy];
}

/** The variable by which ../shared/infra names a server. */
export function variableOf(server: string): string {
  return `BANYAN_TEST_${server.toUpperCase()}`;
}

async function behind(url: string, random: Random): Promise<{ readonly proxy: TcpProxy; readonly url: string }> {
  const target = new URL(url);
  const proxy = await TcpProxy.to({ host: target.hostname, port: Number(target.port) }, random);
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String(proxy.port);
  return { proxy, url: through.href.replace(/\/$/, "") };
}
