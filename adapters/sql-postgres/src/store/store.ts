import type { MigratedService, Store } from "@banyan/kernel/store";
import { type ConnectOptions, connect } from "../connection.ts";
import { lostConnection } from "../failure.ts";
import { migrate } from "../migrate.ts";
import { createPool } from "../pool.ts";
import { tooOld } from "../server-version.ts";
import { type Statement, sql } from "../statement.ts";
import { type Announcements, createAnnouncements } from "./announcements.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { sqlOf } from "./handler-sql.ts";
import { createJobQueue } from "./jobs.ts";
import { createLeads } from "./lead.ts";
import { createOutbox } from "./outbox/outbox.ts";
import { createRetention, keepSwept } from "./retention.ts";
import { createRunner, runOnce } from "./runner.ts";
import { SilentCommands } from "./silent-commands.ts";
import { checkedDays, type RetentionDays } from "./sweep.ts";
import { beginCommands, beginDelivery, beginJob, commitSilently } from "./transactions.ts";
import { createRunStore } from "./workflows/runs.ts";

/** How many sessions the store may open, and to which servers. */
export interface PostgresStoreOptions extends ConnectOptions {
  /** For transactions. Default 16: more callers than cores, since commits that wait for the disk together share its flush. */
  readonly connectionsMax?: number;
  /** For queries, on sessions that may only read. Default 6. */
  readonly readConnectionsMax?: number;
  /** A replica for queries. Default: `url`, where a query sees every commit before it. */
  readonly readUrl?: string;
  /** How long what is over is kept. */
  readonly retention?: RetentionDays;
}

/** Only adds: another process may run a newer version of the service, which hears of more. */
function subscribe(services: readonly MigratedService[]): Statement {
  const wanted = services.flatMap(({ name, hears }) => hears.map((type) => ({ name, type })));
  return sql`INSERT INTO banyan.subscription (type, service)
    SELECT * FROM unnest(${wanted.map(({ type }) => type)}::text[], ${wanted.map(({ name }) => name)}::text[])
    ON CONFLICT DO NOTHING`;
}

const own = { name: "banyan", migrations: new URL("../../sql/", import.meta.url) };

/**
 * Keeps a kernel's state in PostgreSQL 15 or newer: services' tables beside the schema `banyan`. Opens up to `connectionsMax` +
 * `readConnectionsMax` + 1 sessions and one for each service that hears of events, each when first needed. Nothing is connected before `start`; `stop` closes all.
 */
export function createPostgresStore(options: PostgresStoreOptions): Store {
  const pool = createPool(options);
  const readers = createPool({
    ...options,
    url: options.readUrl ?? options.url,
    connectionsMax: options.readConnectionsMax ?? 6,
    readOnly: true,
  });
  const days = checkedDays(options.retention);
  let announcements: Announcements | undefined;
  let sweeps: ReturnType<typeof keepSwept> | undefined;
  const listeners: Parameters<Announcements["onAnnounced"]>[0][] = [];
  const leads = createLeads(options);
  const runner = createRunner(pool, {
    announce: (eventsAlone) => announcements?.announce(eventsAlone),
    leads: leads.holds,
  });
  const commands = { ...runner, silent: new SilentCommands((together) => commitSilently(runner, together)) };
  const onAnnounced: Announcements["onAnnounced"] = (listener) => {
    listeners.push(listener);
    announcements?.onAnnounced(listener);
  };
  const announceHereToo = (): void => {
    announcements?.announce();
    for (const listener of listeners) listener(false);
  };

  return {
    async start(services) {
      const connection = await connect(options).catch((cause: unknown) => {
        throw lostConnection(cause, false);
      });
      try {
        const [server] = await connection.run([sql`SELECT current_setting('server_version_num')::int AS number`]);
        const reason = tooOld(Number(server?.rows[0]?.number));
        if (reason !== undefined) throw new Error(`the database cannot keep a store: ${reason}`);
        await migrate(connection, [own, ...services]);
        await connection.run([subscribe(services)]);
      } finally {
        await connection.close();
      }
      announcements = createAnnouncements(options);
      for (const listener of listeners) announcements.onAnnounced(listener);
      sweeps = keepSwept(runner, days, options);
    },
    async stop(budget) {
      await Promise.all([pool.close(budget), readers.close(budget), announcements?.stop(), sweeps?.stop()]);
    },
    async ping(budget) {
      await runOnce(readers, budget, sql`SELECT 1`);
    },
    read: (budget) => sqlOf(async (statement) => (await runOnce(readers, budget, statement)).rows),
    beginCommands: (keys, budget) => beginCommands(commands, keys, budget),
    beginDelivery: (subscriber, eventIds, budget) => beginDelivery(runner, { subscriber, eventIds }, budget),
    beginJob: (job, budget) => beginJob(commands, job, budget),
    outbox: createOutbox(runner, leads, onAnnounced),
    deadLetters: createDeadLetters(runner),
    jobs: createJobQueue(runner),
    runs: createRunStore(runner),
    retention: createRetention({ ...runner, announce: announceHereToo }, days),
  };
}
