import { kvConformance } from "@banyan/conformance/kv";
import { Client } from "pg";
import { inject } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresKv } from "../src/index.ts";

kvConformance("PostgreSQL", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    createKv: () => createPostgresKv({ url: database.url }),
    interrupt: async () => {
      await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'banyan kv' AND datname = current_database()",
      );
    },
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
});
