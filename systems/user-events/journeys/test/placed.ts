import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createHttpCall } from "@banyan/cli";
import { createKafkaLog } from "@banyan/log-kafka";
import { sources } from "@banyan/user-events-sources/contract";
import { MongoClient } from "mongodb";
import { Client } from "pg";
import { describe } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { createTestProject, type RunningServer } from "../../../../tools/test-project.ts";
import { TestProxy } from "../../../../tools/test-proxy.ts";
import { describeWithServer } from "../../../../tools/test-server.ts";

/** Where User Events lies beside its own database. */
export interface Place {
  readonly environment: Readonly<Record<string, string>>;
  /** Between it and its documents; null where they are in the database. */
  readonly documents: TestProxy | null;
  clear(): Promise<void>;
}

/** Declares a suite on Postgres alone, and once more on Kafka, MongoDB and Redis. */
export function describeInPlaces(title: string, suite: (place: () => Promise<Place>) => void): void {
  const place = async () => ({ environment: {}, documents: null, clear: async () => {} });
  describe(`${title}, on Postgres alone`, () => suite(place));
  describeWithServer("kafka", `${title}, on Kafka,`, (broker) =>
    describeWithServer("mongodb", "MongoDB", (mongodb) =>
      describeWithServer("redis", "and Redis", (redis) => suite(() => onEngines({ broker, mongodb, redis }))),
    ),
  );
}

interface Servers {
  readonly broker: string;
  readonly mongodb: string;
  readonly redis: string;
}

async function onEngines({ broker, mongodb, redis }: Servers): Promise<Place> {
  const namespace = `test-${randomBytes(4).toString("hex")}`;
  const { hostname, port } = new URL(mongodb);
  const documents = await TestProxy.before(Number(port));
  return {
    environment: {
      BANYAN_LOG: `kafka://${broker}`,
      BANYAN_DOCUMENTS: `mongodb://127.0.0.1:${documents.port}/${namespace}?directConnection=true`,
      BANYAN_KV: redis,
      BANYAN_NAMESPACE: namespace,
    },
    documents,
    async clear() {
      documents.close();
      await clearKafka(broker, namespace);
      const client = new MongoClient(`mongodb://${hostname}:${port}`);
      await client.db(namespace).dropDatabase();
      await client.close();
    },
  };
}

async function clearKafka(brokers: string, namespace: string): Promise<void> {
  const log = createKafkaLog({ brokers, namespace });
  await log.open({ signal: AbortSignal.timeout(10_000) });
  const { admin } = log.unwrap();
  const groups = [...(await admin.listGroups()).keys()].filter((group) => group.startsWith(`${namespace}.`));
  await admin.deleteGroups({ groups });
  await admin.deleteTopics({ topics: [`${namespace}.events`] });
  await log.close({ deadlineMs: 5_000 });
}

type HttpCall = ReturnType<typeof createHttpCall>;

const apiKey = "the-key-of-whoever-runs-it-0123456789";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The application as a user starts it, on a database of its own, with one source. It can be killed, and starts again. */
export class Running {
  private readonly project = createTestProject(new URL("../../app/banyan.config.ts", import.meta.url));
  private readonly place: Place;
  private readonly database: Awaited<ReturnType<typeof createTestDatabase>>;
  private server: RunningServer | null = null;
  private writeKey = "";

  private constructor(place: Place, database: Running["database"]) {
    this.place = place;
    this.database = database;
  }

  static async in(place: Place, postgresUrl: string): Promise<Running> {
    const running = new Running(place, await createTestDatabase(postgresUrl));
    await running.start();
    running.writeKey = (await running.call(sources.create, { id: "site" })).writeKey;
    return running;
  }

  async start(): Promise<void> {
    const own = { DATABASE_URL: this.database.url, BANYAN_API_KEY: apiKey };
    this.server = await this.project.start({ ...this.place.environment, ...own });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.server?.stop("SIGKILL");
  }

  /** Lines that a destination of the kind "files" has. */
  linesOf(destination: string): string[] {
    const folder = join(this.project.folder, "destinations/default", destination);
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return files.flatMap((file) => readFileSync(join(folder, file), "utf8").trimEnd().split("\n"));
  }

  get call(): HttpCall {
    return createHttpCall({ url: this.server?.ready.url ?? "", key: apiKey });
  }

  /** As the source. Rejects where nobody listens. */
  async send(events: readonly object[]): Promise<Answer> {
    const response = await fetch(`${this.server?.ready.url}/v1/batch`, {
      method: "POST",
      body: JSON.stringify({ batch: events }),
      headers: { "content-type": "application/json", authorization: `Basic ${btoa(`${this.writeKey}:`)}` },
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
  }

  /** Lets nothing be stored until what it answers is called: MongoDB says nothing, or who stores waits for a lock of PostgreSQL. */
  async holdUpStoring(): Promise<() => Promise<void>> {
    const { documents } = this.place;
    if (documents !== null) {
      documents.holdUp(true);
      return async () => {
        documents.holdUp(false);
        documents.cut();
      };
    }
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    await client.query("BEGIN; LOCK TABLE documents.events_event_key IN SHARE MODE");
    return () => client.end();
  }

  /** Runs SQL past the services. */
  async sql(text: string): Promise<void> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    await client.query(text);
    await client.end();
  }

  async close(): Promise<void> {
    await this.project.remove();
    await this.place.clear();
    await this.database.drop();
  }
}
