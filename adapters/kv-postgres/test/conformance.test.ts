import { kvConformance } from "@banyan/conformance/kv";
import { inject } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { TestProxy } from "../../../tools/test-proxy.ts";
import { createPostgresKv } from "../src/index.ts";

kvConformance("PostgreSQL", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const url = new URL(database.url);
  const way = await TestProxy.before(Number(url.port));
  url.port = String(way.port);
  return {
    createKv: () => createPostgresKv({ url: url.href }),
    way,
    close: async () => {
      way.close();
      await database.drop();
    },
  };
});
