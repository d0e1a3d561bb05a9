import { describeApplication } from "@banyan/conformance/application";
import { logConformance } from "@banyan/conformance/log";
import { createPostgresStore } from "@banyan/sql-postgres";
import { Client } from "pg";
import { inject } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresLog } from "../src/index.ts";

const openClient = async (url: string) => {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
};

logConformance("a table of PostgreSQL", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const client = await openClient(database.url);
  return {
    createLog: () => createPostgresLog({ url: database.url }),
    interrupt: async () => {
      await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'banyan log' AND datname = current_database()",
      );
    },
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
});

describeApplication("PostgreSQL, its events by way of a table of another database", async () => {
  const [database, hub] = await Promise.all(Array.from({ length: 2 }, () => createTestDatabase(inject("postgresUrl"))));
  if (database === undefined || hub === undefined) throw new Error("no databases");
  const client = await openClient(database.url);
  return {
    store: () => createPostgresStore({ url: database.url }),
    log: () => createPostgresLog({ url: hub.url }),
    rows: async <Row>(sql: string) => (await client.query(sql)).rows as Row[],
    close: async () => {
      await client.end();
      await Promise.all([database.drop(), hub.drop()]);
    },
  };
});
