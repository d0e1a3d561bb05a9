import { storeConformance } from "@banyan/conformance/store";
import { inject } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresStore } from "../src/index.ts";

storeConformance("PostgreSQL", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  return { createStore: () => createPostgresStore({ url: database.url }), close: () => database.drop() };
});
