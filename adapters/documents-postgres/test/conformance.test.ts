import { documentsConformance } from "@banyan/conformance/documents";
import { inject } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { TestProxy } from "../../../tools/test-proxy.ts";
import { createPostgresDocuments } from "../src/index.ts";

documentsConformance("PostgreSQL", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const url = new URL(database.url);
  const way = await TestProxy.before(Number(url.port));
  url.port = String(way.port);
  return {
    createDocuments: () => createPostgresDocuments({ url: url.href }),
    way,
    close: async () => {
      way.close();
      await database.drop();
    },
  };
});
