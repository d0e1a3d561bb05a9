import { createAppOverWire, describeApplication } from "@banyan/conformance/application";
import { InProcessLog } from "@banyan/kernel/log";
import { Client } from "pg";
import { inject } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresStore } from "../src/index.ts";

const open = async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    store: () => createPostgresStore({ url: database.url }),
    rows: async <Row>(sql: string) => (await client.query(sql)).rows as Row[],
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
};

describeApplication("PostgreSQL", open);
describeApplication("PostgreSQL, called over a bus that delivers twice", open, createAppOverWire);
describeApplication("PostgreSQL, its events by way of a log", async () => {
  const log = new InProcessLog();
  return { ...(await open()), log: () => log.connect() };
});
