import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createHttpCall } from "@banyan/cli";
import { createPostgresDocuments } from "@banyan/documents-postgres";
import type { Identity, Returned, Sent, Service } from "@banyan/kernel";
import { type AnyAction, type App, createApp, systemIdentity } from "@banyan/kernel/app";
import { InProcessNetwork } from "@banyan/kernel/bus";
import { createPostgresKv } from "@banyan/kv-postgres";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, describe } from "vitest";
import { createTestDatabase } from "./test-postgres.ts";
import { createTestProject } from "./test-project.ts";

/** A call from outside, wherever the services run. */
export type Call = <A extends AnyAction>(
  action: A,
  input: Sent<A>,
  options?: {
    readonly idempotencyKey?: string;
    readonly deadlineMs?: number;
    /** Another person than who calls otherwise, by any name, who may do as much. */
    readonly as?: string;
    /** The key of who calls, where the services give keys out. */
    readonly key?: string;
  },
) => Promise<Returned<A>>;

/** What is tried in each topology. */
export interface Tried {
  readonly title: string;
  readonly services: readonly Service[];
  /** The banyan.config.ts that places the same services into processes. */
  readonly config: URL;
  /** What the processes find in their environment beside the database. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly postgresUrl: () => string;
  /** Who has a key that the services gave out, by its SHA-256, as the configuration's authenticators say it. */
  readonly identify?: (call: App["call"], keyHash: string) => Promise<Identity | undefined>;
}

interface Running {
  readonly call: Call;
  stop(): Promise<unknown>;
}

/** local: function calls. wire: an application per service, every call encoded and every third frame delivered twice. split: processes, called by HTTP. */
const topologies: Readonly<Record<string, (tried: Tried, databaseUrl: string) => Promise<Running>>> = {
  local: startLocal,
  wire: startWire,
  split: startSplit,
};

/**
 * Declares the tests of `journeys` once per topology, each with a database of its own, so that nothing can come to depend on
 * sharing memory. The services and the tests are the same; what carries a call is all that differs.
 */
export function describeInTopologies(tried: Tried, journeys: (call: Call) => void): void {
  for (const [name, start] of Object.entries(topologies)) {
    describe(`${tried.title}, ${name}`, () => {
      let running: Running | undefined;
      let drop: (() => Promise<void>) | undefined;
      beforeAll(async () => {
        const database = await createTestDatabase(tried.postgresUrl());
        drop = database.drop;
        running = await start(tried, database.url);
      });
      afterAll(async () => {
        await running?.stop();
        await drop?.();
      });
      journeys((action, input, options) => {
        if (running === undefined) throw new Error("the topology has not started");
        return running.call(action, input, options);
      });
    });
  }
}

async function startLocal({ services, identify }: Tried, databaseUrl: string): Promise<Running> {
  const app = createApp({
    services,
    store: createPostgresStore({ url: databaseUrl }),
    documents: createPostgresDocuments({ url: databaseUrl, inStore: true }),
    kv: createPostgresKv({ url: databaseUrl }),
  });
  await app.start();
  return { call: asPeople(app, identify), stop: () => app.stop() };
}

async function startWire({ services, identify }: Tried, databaseUrl: string): Promise<Running> {
  let batchCount = 0;
  const network = new InProcessNetwork({ isDoubled: () => ++batchCount % 3 === 0 });
  const join = (here: readonly Service[], nodeName: string) =>
    createApp({
      services: here,
      remotes: services,
      bus: network.createBus(),
      nodeName,
      ...(here.length > 0 && {
        store: createPostgresStore({ url: databaseUrl, connectionsMax: 4 }),
        documents: createPostgresDocuments({ url: databaseUrl, inStore: true }),
        kv: createPostgresKv({ url: databaseUrl }),
      }),
    });
  const apps = services.map((service) => join([service], service.contract.name));
  const edge = join([], "edge");
  await Promise.all([...apps, edge].map((app) => app.start()));
  return {
    call: asPeople(edge, identify),
    async stop() {
      await edge.stop();
      await Promise.all(apps.map((app) => app.stop()));
    },
  };
}

function asPeople(app: App, identify: Tried["identify"]): Call {
  return async (action, input, { as, key, ...options } = {}) => {
    const person = as ? { ...systemIdentity, subject: as } : systemIdentity;
    const identity = key === undefined ? person : await identify?.(app.call, hash("sha256", key));
    if (identity === undefined) throw new Error("nobody has this key");
    return await app.call(action, input, { ...options, identity });
  };
}

const otherKey = "the-key-of-somebody-else-0123456789";

/** As a user starts it, down to the command line. */
async function startSplit({ config, environment = {} }: Tried, databaseUrl: string): Promise<Running> {
  const project = createTestProject(config);
  const own = { DATABASE_URL: databaseUrl, BANYAN_API_KEYS: `somebody.else=${otherKey}` };
  const { ready } = await project.start({ ...environment, ...own }, ["--topology", "split"]);
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const call = createHttpCall({ url: ready.url, key });
  const otherCall = createHttpCall({ url: ready.url, key: otherKey });
  return {
    call: (action, input, { as, key, ...options } = {}) => {
      const given = key ? createHttpCall({ url: ready.url, key }) : as ? otherCall : call;
      return given(action, input, options);
    },
    stop: () => project.remove(),
  };
}
