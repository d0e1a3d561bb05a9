import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@banyan/embedded-postgres";
import { Client as Database } from "pg";
import type { Engine } from "./engines.ts";
import { TcpProxy } from "./proxy.ts";
import type { Random } from "./random.ts";
import { LogServer } from "./server.ts";
import { Subject, type SubjectOptions } from "./subject/subject.ts";

const processes = 2;
const parent = fileURLToPath(new URL("../../.banyan/", import.meta.url));

/** Everything that one round needs: a database and an engine, each behind a proxy, and processes that are started again when they end. */
export class Stage {
  readonly postgres: EmbeddedPostgres;
  readonly engine: Engine;
  /** The log's own server; undefined where the database is the log, or where nobody here may kill it. */
  readonly logServer: LogServer | undefined;
  /** To the database, and to the log where it has a server. */
  readonly proxies: readonly TcpProxy[];
  readonly options: SubjectOptions;
  readonly logUrl: string;
  subjects: Subject[] = [];
  /** Ends of processes that nobody here brought about. */
  unasked = 0;
  private readonly folder: string;
  private isClosed = false;
  private readonly keeping: Promise<void>[] = [];

  private constructor(
    parts: Pick<Stage, "postgres" | "engine" | "logServer" | "proxies" | "options" | "logUrl"> & { folder: string },
  ) {
    this.postgres = parts.postgres;
    this.engine = parts.engine;
    this.logServer = parts.logServer;
    this.proxies = parts.proxies;
    this.options = parts.options;
    this.logUrl = parts.logUrl;
    this.folder = parts.folder;
  }

  static async open(engine: Engine, namespace: string, random: Random): Promise<Stage> {
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(join(parent, "faults-"));
    const postgres = await startEmbeddedPostgres({ dataFolder: join(folder, "postgres") });
    const direct = engine.server === undefined ? postgres.url : (process.env[variableOf(engine.server)] as string);
    const database = await behind(postgres.url, random);
    const log = engine.server === undefined || !engine.bearsProxy ? undefined : await behind(direct, random);
    const options = {
      databaseUrl: database.url,
      logUrl: engine.server === undefined ? database.url : (log?.url ?? direct),
      namespace,
      engine: engine.name,
    };
    const proxies = log === undefined ? [database.proxy] : [database.proxy, log.proxy];
    const logServer = engine.server === undefined ? undefined : LogServer.of(engine.server);
    return new Stage({ postgres, engine, logServer, proxies, options, logUrl: direct, folder });
  }

  async start(): Promise<void> {
    // One behind the other: migrations wait for each other anyway.
    for (let place = 0; place < processes; place++) {
      this.subjects.push(await Subject.start(this.options));
      this.keeping.push(this.keep(place));
    }
  }

  /** A connection of one's own to the database, past the proxy. */
  async connect(): Promise<Database> {
    const client = new Database({ connectionString: this.postgres.url });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  alive(): Subject[] {
    return this.subjects.filter(({ isAlive }) => isAlive);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.subjects.map((subject) => subject.stop()));
    await Promise.all(this.keeping);
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.postgres.stop();
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
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
        this.subjects[place] = await Subject.start(this.options);
        return;
      } catch (error) {
        // A server may be away just now.
        if (tries === 20) throw error;
        await pause(250);
      }
    }
  }
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
